/** A disk that is full for real, at every size that is too small. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requires } from '../support/requires.ts';
import { layoutFiles, writeArchive } from './support/image.ts';
import { storeOfImages } from './support/images.ts';
import { has } from './support/programs.ts';
import { runStoreScript } from './support/script.ts';

/** Leaves ever more room, until loading, importing and saving an image succeed. */
const SCRIPT = `
  import { importImage, listImages, loadImage, openStore, pruneStore, removeImage, saveImage } from 'store';
  import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
  const [disk, image, root] = process.argv.slice(2);
  const store = openStore(disk + '/store');
  const counts = () => [store.blobs, store.layers, store.tmp].map((path) => readdirSync(path).length).join(' ');
  const ACTIONS = {
    load: () => loadImage(store, image, { reference: 'loaded' }),
    import: () => importImage(store, root, { reference: 'imported' }),
    save: () => saveImage(store, 'loaded', disk + '/saved.tar'),
  };
  for (const [name, act] of Object.entries(ACTIONS)) {
    let failures = 0;
    for (let room = 4; ; room += 24) {
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(disk + '/ballast', Buffer.alloc(Math.max(0, bavail - room) * bsize));
      const before = counts() + listImages(store).length;
      const error = await act().then(() => undefined, (reason) => reason);
      rmSync(disk + '/ballast');
      if (error === undefined) break;
      failures++;
      if (!['STORE_FULL', 'ENOSPC'].includes(error.code)) throw error;
      if (counts() + listImages(store).length !== before) throw new Error(name + ' left ' + counts());
      if (name === 'save' && readdirSync(disk).join() !== 'store') throw new Error('left ' + readdirSync(disk));
    }
    console.log(name, failures > 2);
  }
  for (const reference of ['loaded', 'imported']) await removeImage(store, reference);
  console.log(counts());
`;

test('nothing is left of what does not fit, and what fits is whole', async (context) => {
  requires(context, process.geteuid?.() === 0 && has('unshare'), 'root and unshare');
  const { directory } = storeOfImages(context);
  const content = Buffer.alloc(400_000, 'x');
  // Of random bytes a blob is as big as its layer.
  for (let at = 0; at < content.length; at += 4) content.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  const image = writeArchive(directory, layoutFiles({ layers: [[{ name: 'big', content }, { name: 'small' }]] }));
  const mount = 'mkdir "$0" && mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"';
  const disk = join(directory, 'disk');
  const under = ['unshare', '-m', 'sh', '-c', mount, disk];
  const { stdout, stderr } = await runStoreScript(context, SCRIPT, [disk, image, image], { under });
  expect(stderr).toBe('');
  expect(stdout).toBe('load true\nimport true\nsave true\n0 0 0\n');
});
