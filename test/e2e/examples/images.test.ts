import { join } from 'node:path';
import { Image } from 'caisson';
import { describe, expect, inject, type TestContext, test } from 'vitest';
import { startRegistry } from '../../store/registry/support/docker-registry.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { outputOf, runExample, USERS } from './example.ts';

describe.each(USERS)('as user %i', (uid) => {
  test('pull fetches an image, tells what happens, and runs a command in it', async (context) => {
    const reference = await pushedImage(context);
    const { stdout, stderr, exitCode } = await runExample(context, 'pull', uid, [reference, 'echo', 'from', 'afar']);
    expect({ stdout, exitCode }).toEqual({ stdout: 'from afar\n', exitCode: 0 });
    expect(stderr.split('\n').map((line) => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['resolving', 'resolved', 'unpacked', 'done']),
    );
  });

  test('snapshot gives every test the same files, at once', async (context) => {
    const output = await outputOf(context, 'snapshot', uid);
    expect(output).toMatch(/path: '\/srv\/database', kind: 'added', type: 'file'/);
    expect(output).toMatch(/^snapshot: \d+\.\d ms$/m);
    expect(output).toMatch(/^tail -n 1 \/srv\/database: row 1000\nrm .*: big\nwc -l .*: 1000$/m);
  });
});

/** The name of an image in a registry of this machine's own. */
async function pushedImage(context: TestContext): Promise<string> {
  const { layout } = inject('images');
  requires(context, layout, 'an image layout made by umoci');
  const { host } = await startRegistry(context);
  process.env.CAISSON_ROOT = join(temporaryDirectory(context), 'store');
  const reference = `${host}/busybox:latest`;
  const image = await Image.load(layout, { reference });
  await image.push();
  return reference;
}
