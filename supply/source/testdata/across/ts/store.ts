import fs from 'fs';
import path from 'path';

export async function load(name: string) {
  return fs.promises.readFile(name);
}

export async function loadFixed(name: string) {
  return fs.promises.readFile(path.basename(name));
}
