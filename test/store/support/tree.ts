import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What is in a directory, as lines to compare: `644 0:0 etc/passwd "root…"`, by name. Times and extended attributes
 * are not in it.
 */
export function describeTree(root: string, directory = ''): string[] {
  return readdirSync(join(root, directory))
    .sort()
    .flatMap((entry) => {
      const name = join(directory, entry);
      const path = join(root, name);
      const stats = lstatSync(path);
      const mode = (stats.mode & 0o7777).toString(8);
      const line = `${mode} ${stats.uid}:${stats.gid} ${name}`;
      if (stats.isDirectory()) return [`${line}/`, ...describeTree(root, name)];
      if (stats.isSymbolicLink()) return [`${line} -> ${readlinkSync(path)}`];
      if (stats.isFile()) return [`${line} ${JSON.stringify(readFileSync(path, 'latin1').slice(0, 60))}`];
      if (stats.isFIFO()) return [`${line} FIFO`];
      return [
        `${line} ${stats.isBlockDevice() ? 'block' : 'character'} device ${stats.rdev >> 8}:${stats.rdev & 0xff}`,
      ];
    });
}
