/** Layers of images that lie in snapshots: in `layers`, such a one is a link. */
import { existsSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../layout.ts';

/** The layers of images that lie in snapshots: by diffID, the snapshot. */
export function layersInSnapshots({ layers }: Store): ReadonlyMap<string, string> {
  if (!existsSync(layers)) return new Map();
  const links = readdirSync(layers, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
  return new Map(
    links.map(({ name }) => {
      const id = /^\.\.\/snapshots\/([0-9a-f]{64})\/layer$/.exec(readlinkSync(join(layers, name)))?.[1] ?? '';
      return [`sha256:${name}`, id];
    }),
  );
}

/** Makes such a link, to be put into its place. */
export function linkToSnapshot(path: string, id: string): void {
  symlinkSync(`../snapshots/${id}/layer`, path);
}
