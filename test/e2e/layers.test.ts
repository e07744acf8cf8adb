/** Images of many layers, at the limits of what one mount can be told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { layoutFiles, writeFiles } from '../store/support/image.ts';
import type { Entry } from '../store/support/tar-writer.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { busyboxTree, privateStore, sh } from './fixture.ts';

privateStore();

const APPLETS = ['sh', 'cat', 'ls', 'wc', 'test'];

/** An image whose layer n adds /layers/n and changes /top to n, on a first one that has busybox. */
function stack(context: TestContext, count: number): string {
  const program = readFileSync(join(busyboxTree(context), 'bin/busybox'));
  const links = APPLETS.map((name): Entry => ({ name: `bin/${name}`, type: '2', link: 'busybox' }));
  const first: Entry[] = [{ name: 'bin/busybox', mode: 0o755, content: program }, ...links];
  const layers = Array.from({ length: count }, (_, n): Entry[] => [
    { name: `layers/${n}`, content: '' },
    { name: 'top', content: `${n}\n` },
    // What the layer before added, but for the first ten, is deleted.
    ...(n > 10 ? [{ name: `layers/.wh.${n - 1}`, content: '' }] : []),
  ]);

  return writeFiles(temporaryDirectory(context), layoutFiles({ layers: [first, ...layers] }));
}

// Docker makes at most 127.
test.for([2, 30, 127, 200])('an image of %i layers is shown as one tree', async (count, context) => {
  const image = await Image.load(stack(context, count));
  const script = sh('cat /top; ls /layers | wc -l; echo changed > /top; cat /top');
  const { stdout } = await Container.run(image, script);
  expect(stdout.split(/\s+/)).toEqual([`${count - 1}`, `${count > 10 ? 11 : count}`, 'changed', '']);
  // Another container of it begins anew.
  expect((await Container.run(image, ['cat', '/top'], { upper: 'tmpfs' })).stdout).toBe(`${count - 1}\n`);
});
