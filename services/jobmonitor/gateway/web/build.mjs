// Bundles the page into dist/: index.html and, under dist/assets, files whose names carry their content's hash, so
// that browsers may keep those for ever.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { build } from "esbuild";

const options = {
  entryPoints: ["src/main.tsx", "src/theme_early.ts", "src/styles/page.css", "src/icon.svg"],
  outdir: "dist/assets",
  entryNames: "[name]-[hash]",
  bundle: true,
  format: "esm",
  minify: true,
  metafile: true,
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".svg": "copy" },
  target: ["chrome123", "firefox128", "safari17.5"],
};

await rm("dist", { recursive: true, force: true });
const { metafile } = await build(options);

const built = {};
for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
  if (entryPoint) built[basename(entryPoint)] = `/assets/${basename(path)}`;
}
for (const path of Object.keys(metafile.outputs)) {
  if (path.endsWith(".svg")) built["icon.svg"] = `/assets/${basename(path)}`;
}
const template = await readFile("src/index.html", "utf8");
const page = template.replace(/\{\{(.+?)\}\}/g, (_, name) => {
  if (!built[name]) throw new Error(`index.html names ${name}, which the build did not make`);
  return built[name];
});
await mkdir("dist", { recursive: true });
await writeFile("dist/index.html", page);
