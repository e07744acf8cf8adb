/** Busybox as an image with a configuration of anybody's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Image } from 'caisson';
import type { TestContext } from 'vitest';
import { layoutFiles, writeFiles } from '../store/support/image.ts';
import type { Entry } from '../store/support/tar-writer.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { busyboxTree } from './fixture.ts';

/** @param config as an image's document has it: `{ Cmd: ['sh'] }` */
export async function configuredImage(context: TestContext, config: Readonly<Record<string, unknown>>): Promise<Image> {
  const entries: Entry[] = [
    { name: 'bin/busybox', mode: 0o755, content: readFileSync(join(busyboxTree(context), 'bin/busybox')) },
    ...['sh', 'echo', 'sleep', 'cat', 'true'].map(
      (name): Entry => ({ name: `bin/${name}`, type: '2', link: 'busybox' }),
    ),
    ...['dev', 'proc', 'sys'].map((name): Entry => ({ name, type: '5', mode: 0o755 })),
  ];
  return Image.load(writeFiles(temporaryDirectory(context), layoutFiles({ layers: [entries], config })));
}
