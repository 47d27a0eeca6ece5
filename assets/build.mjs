// Bundles the scripts and styles and draws the icon sprite. Usage: node assets/build.mjs [--watch]
import { readFileSync, readdirSync, writeFileSync, mkdirSync, existsSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "src", "liaison");
const output = join(source, "core", "static", "dist");
const drawings = join(root, "node_modules", "@tabler", "icons", "icons", "outline");

// Icons named by the scripts or by data (loop kinds, timeline kinds), which the search below can't see.
const ALWAYS = JSON.parse(readFileSync(join(root, "assets", "icons.json"), "utf8"));
const IN_TEMPLATES = /{%\s*icon\s+"([a-z0-9-]+)"/g;
const IN_PYTHON = /\bicon(?:\s*:\s*str)?\s*=\s*"([a-z0-9-]+)"/g;

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!["__pycache__", "static", "tests"].includes(entry.name)) yield* files(path);
    } else if (/\.(html|py)$/.test(entry.name)) yield path;
  }
}

function namedIcons() {
  const found = new Map(ALWAYS.map((name) => [name, "assets/icons.json"]));
  for (const path of files(source)) {
    const text = readFileSync(path, "utf8");
    for (const [, name] of text.matchAll(path.endsWith(".py") ? IN_PYTHON : IN_TEMPLATES)) {
      if (!found.has(name)) found.set(name, relative(root, path));
    }
  }
  return found;
}

function drawSprite() {
  const symbols = [];
  for (const [name, where] of [...namedIcons()].sort()) {
    const path = join(drawings, `${name}.svg`);
    if (!existsSync(path)) {
      throw new Error(`${where} names the icon "${name}", which @tabler/icons (outline) does not have.`);
    }
    const shapes = readFileSync(path, "utf8").replace(/<!--[\s\S]*?-->/g, "").match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1];
    symbols.push(`<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s+/g, " ").trim()}</symbol>`);
  }
  writeFileSync(join(output, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
  return symbols.length;
}

const options = {
  entryPoints: {
    liaison: join(root, "assets", "js", "main.js"),
    theme: join(root, "assets", "js", "theme-first.js"),
    style: join(root, "assets", "css", "main.css"),
  },
  outdir: output,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome111", "firefox113", "safari16.4"],
  loader: { ".woff2": "file" },
  assetNames: "[name]",
  legalComments: "linked",
  logLevel: "warning",
};

mkdirSync(output, { recursive: true });
if (process.argv.includes("--watch")) {
  drawSprite();
  const context = await esbuild.context(options);
  await context.watch();
} else {
  const began = Date.now();
  const icons = drawSprite();
  await esbuild.build(options);
  const size = (name) => Math.round(statSync(join(output, name)).size / 1024);
  console.log(`${icons} icons, style ${size("style.css")} kB, script ${size("liaison.js")} kB in ${Date.now() - began} ms`);
}
