// Imports every package that package.json names and prints them, one a line.
import { readFile } from "node:fs/promises";

const manifest = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8"));
for (const name of Object.keys(manifest.dependencies)) {
  await import(name);
  console.log(name);
}
