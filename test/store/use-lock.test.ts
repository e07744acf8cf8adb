import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createContainerDirectory } from '../../store/containers/index.ts';
import { openStore } from '../../store/layout.ts';
import { whileNothingIsRemoved, whileNothingIsTaken } from '../../store/use-lock.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runStoreScript } from './support/script.ts';

test('who takes layers waits for who removes some, and the other way round', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  const script = `
    import { flock, LOCK_EX, LOCK_SH } from 'syscalls';
    import { openSync } from 'node:fs';
    flock(openSync(process.argv[2], 'a'), process.argv[3] === 'alone' ? LOCK_EX : LOCK_SH);
    console.log('held');
    setTimeout(() => process.exit(), 200);
  `;
  const path = join(store.locks, 'use.lock');
  for (const [how, take] of [
    ['alone', async () => whileNothingIsRemoved(store, () => 'taken')],
    ['together', () => whileNothingIsTaken(store, () => 'taken')],
  ] as const) {
    let waitedMs = 0;
    let taken: Promise<string> | undefined;
    const onLine = () => {
      const start = performance.now();
      taken = take().finally(() => {
        waitedMs = performance.now() - start;
      });
    };
    await runStoreScript(context, script, [path, how], { onLine });
    expect(await taken).toBe('taken');
    expect(waitedMs).toBeGreaterThan(100);
  }
});

test('of a layer that is just being removed no container is made', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  const layer = join(store.layers, 'a'.repeat(64));
  mkdirSync(layer);
  const script = `
    import { flock, LOCK_EX } from 'syscalls';
    import { openSync, rmdirSync } from 'node:fs';
    const [lock, layer] = process.argv.slice(2);
    flock(openSync(lock, 'a'), LOCK_EX);
    console.log('held');
    setTimeout(() => process.exit(rmdirSync(layer)), 100);
  `;
  let error: unknown;
  const onLine = () => {
    try {
      createContainerDirectory(store, 'box', { uses: { layers: [layer] } });
    } catch (reason) {
      error = reason;
    }
  };
  await runStoreScript(context, script, [join(store.locks, 'use.lock'), layer], { onLine });
  expect(error).toMatchObject({ code: 'LAYER_NOT_FOUND' });
});

test('those who take layers do not wait for one another', async (context) => {
  const store = openStore(temporaryDirectory(context));
  expect(whileNothingIsRemoved(store, () => whileNothingIsRemoved(store, () => 'both'))).toBe('both');
  await expect(
    whileNothingIsTaken(store, () => {
      throw new Error('of the action');
    }),
  ).rejects.toThrow('of the action');
  expect(whileNothingIsRemoved(store, () => 'free')).toBe('free');
});
