// Bundles the page into the gateway's folder page/: index.html and, under assets, files whose names carry their content's hash, so
// that browsers may keep those for ever. Beside each file lie its compressed forms, .br and .gz, where they are smaller.
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const OUT = process.env.PAGE_OUT ?? "../jobmonitor/gateway/page";

const options = {
  entryPoints: ["src/main.tsx", "src/theme_early.ts", "src/api/download_worker.ts", "src/styles/page.css", "src/icon.svg"],
  outdir: `${OUT}/assets`,
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

await rm(OUT, { recursive: true, force: true });
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
await mkdir(OUT, { recursive: true });
await writeFile(join(OUT, "index.html"), page);

// Text in brotli's best quality, which is also its default; it takes a fraction of a second for the whole page.
const forms = {
  br: (content) => brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT } }),
  gz: (content) => gzipSync(content, { level: constants.Z_BEST_COMPRESSION }),
};
const files = (await readdir(OUT, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
for (const file of files) {
  const path = join(file.parentPath, file.name);
  const content = await readFile(path);
  for (const [suffix, compress] of Object.entries(forms)) {
    const compressed = compress(content);
    if (compressed.length < content.length) await writeFile(`${path}.${suffix}`, compressed);
  }
}
