import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { test } from "node:test";

const SOURCES = join(import.meta.dirname, "..", "src");
/** From the bottom. */
const FOLDERS = ["model", "api", "state", "parts", "form", "view"];
const IMPORT = /^(?:import|export)\s[^;]*?from\s+"(\.[^"]+)";|^import\s+"(\.[^"]+)";/gm;

/** Folders above the one that imports them. */
function upwardImports(file: string): string[] {
  const path = join(SOURCES, file);
  const own = FOLDERS.indexOf(file.split(sep)[0] ?? "");
  return [...readFileSync(path, "utf8").matchAll(IMPORT)]
    .map((found) => relative(SOURCES, join(dirname(path), found[1] ?? found[2] ?? "")))
    .filter((imported) => FOLDERS.indexOf(imported.split(sep)[0] ?? "") > own)
    .map((imported) => `${file} imports ${imported}`);
}

test("folders import from those below them only, so that none needs another that needs it", () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
  const inFolders = files.filter((file) => file.includes(sep));
  assert.deepEqual([...new Set(inFolders.map((file) => file.split(sep)[0]))].sort(), [...FOLDERS].sort());
  assert.deepEqual(inFolders.flatMap(upwardImports), []);
});
