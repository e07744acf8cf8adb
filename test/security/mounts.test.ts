/** A container that fights with those who mount into what it shares: nothing is ever mounted or made outside. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image, type Mount, Volume } from 'caisson';
import { expect, test } from 'vitest';
import { busyboxTree, privateStore, sh, slowness } from '../e2e/fixture.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const store = privateStore();
const STARTS = 100;

/** Exchanges two names of its directory as fast as it can, by renameat2(2) with RENAME_EXCHANGE: mv(1) has it since 9.5. */
const SWAPPER = `
import ctypes, sys
swap = lambda: ctypes.CDLL(None).renameat2(-100, b'/shared/place', -100, b'/shared/link', 2)
if swap() != 0: sys.exit(1)
while True: swap()
`;

test('a place that is swapped for a link to anywhere while mounts are made gets them inside, or not at all', {
  timeout: 240_000 * slowness,
}, async (context) => {
  const canary = temporaryDirectory(context, 0o755);
  mkdirSync(join(canary, 'inner'));
  const shared: Mount = { type: 'volume', source: 'shared', target: '/shared' };
  const hostile = [
    canary,
    `${'../'.repeat(20)}${canary.slice(1)}`,
    '/proc/1/root',
    '/proc/self/fd/5',
    '/proc/self/cwd',
  ];
  const { exitCode } = await Container.run(Image.host(), ['python3', '-c', ''], {});
  if (exitCode !== 0) return context.skip('requires python3');
  let made = 0;
  for (const target of hostile) {
    await using swapper = await Container.start(Image.host(), {
      command: sh(
        `mkdir -p /shared/place; rm -f /shared/link; ln -s ${target} /shared/link; exec python3 -c "${SWAPPER}"`,
      ),
      mounts: [shared],
    });
    const image = Image.directory(busyboxTree(context));
    const mounts: Mount[] = [
      shared,
      { type: 'tmpfs', target: '/shared/place/inner/deep' },
      { type: 'file', target: '/shared/place/made', content: 'x' },
    ];
    for (let start = 0; start < STARTS / hostile.length; start++) {
      const attempt = Container.run(image, ['true'], { mounts });
      await attempt.then(
        () => made++,
        (error: { code: string }) => expect(error.code).toBe('MOUNT_TARGET_INVALID'),
      );
    }
    for (let turn = 0; turn < 20; turn++) {
      await swapper.mount({ type: 'tmpfs', target: '/shared/place/inner/live' }).catch((error: { code: string }) => {
        expect(error.code).toBe('MOUNT_TARGET_INVALID');
      });
    }
    expect(swapper.state).toBe('running');
    await swapper.kill();
    await swapper.remove();
    const { path } = await (await Volume.get('shared')).inspect();
    // Places were made where the link led: inside of a container, or in the volume.
    expect(readdirSync(path).sort()).toEqual(['link', 'place']);
    await Volume.prune();
  }
  // It depends on the moment which of the two it was; the same may be hit many times in a row.
  expect(made).toBeGreaterThan(0);
  expect(readdirSync(canary)).toEqual(['inner']);
  expect(readdirSync(join(canary, 'inner'))).toEqual([]);
  expect(readdirSync(join(store, 'volumes'))).toEqual([]);
  writeFileSync(join(canary, 'still-ours'), '');
});
