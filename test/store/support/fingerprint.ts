import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { digestOf } from '../../../store/digest.ts';
import { lgetxattr, llistxattr } from '../../../syscalls/index.ts';

/**
 * All that an image keeps of a tree, as a line per file: its kind, mode, owner, time to the nanosecond, content,
 * extended attributes, and which names are one file. Names are bytes as latin1 text.
 */
export function fingerprint(root: string): string[] {
  const links = new Map<bigint, string>();
  const visit = (directory: string): string[] =>
    readdirSync(Buffer.from(`${root}/${directory}`, 'latin1'), { encoding: 'latin1' })
      .sort()
      .flatMap((entry) => {
        const name = directory === '' ? entry : `${directory}/${entry}`;
        const path = Buffer.from(`${root}/${name}`, 'latin1');
        const stats = lstatSync(path, { bigint: true });
        const first = stats.isDirectory() ? name : (links.get(stats.ino) ?? name);
        links.set(stats.ino, first);
        const same = first === name ? '' : ` = ${first}`;
        const mode = (Number(stats.mode) & 0o7777).toString(8);
        const line = `${name} ${mode} ${stats.uid}:${stats.gid} ${stats.mtimeNs} ${contentOf(path, stats)}${same}`;
        return [`${line}${attributesOf(path)}`, ...(stats.isDirectory() ? visit(name) : [])];
      });
  return visit('');
}

function contentOf(path: Buffer, stats: BigIntStats): string {
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return `-> ${readlinkSync(path, 'latin1')}`;
  if (stats.isFile()) return `${stats.size} ${digestOf(readFileSync(path)).slice(0, 19)}`;
  if (stats.isFIFO()) return 'FIFO';
  return `${stats.isBlockDevice() ? 'block' : 'character'} device ${stats.rdev}`;
}

function attributesOf(path: Buffer): string {
  const terminated = Buffer.concat([path, Buffer.alloc(1)]);
  const buffer = Buffer.alloc(65_536);
  const names = buffer
    .toString('utf8', 0, llistxattr(terminated, buffer, buffer.length))
    .split('\0')
    .slice(0, -1);
  return names
    .filter((name) => name !== 'security.selinux')
    .sort()
    .map((name) => {
      const value = buffer.subarray(0, lgetxattr(terminated, name, buffer, buffer.length));
      return ` ${name}=${value.toString('hex')}`;
    })
    .join('');
}
