import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { singleMappings } from '../../../store/ids/index.ts';
import { applyLayer } from '../../../store/layer/apply.ts';
import { readTar } from '../../../store/layer/read.ts';
import { hasCode, lgetxattr } from '../../../syscalls/index.ts';
import { inChunks } from './streams.ts';
import { type Entry, tar } from './tar-writer.ts';

/** Of a user who has no subordinate ids. */
const ONE_ID = { kind: 'single', mappings: singleMappings(), reason: 'there is one id' } as const;

/** Unpacks a layer of these entries into a new directory `root` beside what must not change; returns the notes. */
export async function unpackInto(directory: string, entries: readonly Entry[], isRoot = false): Promise<string[]> {
  const root = join(directory, 'root');
  mkdirSync(root);
  return applyLayer(readTar(inChunks(tar(...entries))), root, isRoot ? { kind: 'all' } : ONE_ID);
}

/** The value of an extended attribute; undefined where there is none. */
export function attribute(path: string, name: string): Buffer | undefined {
  const value = Buffer.alloc(1024);
  try {
    return value.subarray(0, lgetxattr(path, name, value, value.length));
  } catch (error) {
    if (hasCode(error, 'ENODATA')) return undefined;
    throw error;
  }
}
