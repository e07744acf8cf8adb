import { existsSync, lstatSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Makes of a store what a power cut may leave of it when layers are not on the disk yet: their files are empty, and
 * the notes of them are of an earlier start of the machine. @returns how many notes there are
 */
export function loseUnsynced(root: string): number {
  const directory = join(root, 'unsynced');
  const notes = existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
  for (const path of notes) {
    const { layers } = JSON.parse(readFileSync(path, 'utf8')) as { layers: readonly string[] };
    for (const layer of layers.map((name) => join(root, name))) if (existsSync(layer)) emptyFiles(layer);
    writeFileSync(path, JSON.stringify({ bootId: 'another', layers }));
  }
  return notes.length;
}

function emptyFiles(path: string): void {
  const stats = lstatSync(path);
  if (stats.isDirectory()) for (const name of readdirSync(path)) emptyFiles(join(path, name));
  else if (stats.isFile()) truncateSync(path);
}
