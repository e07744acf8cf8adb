import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tryLock, withLock } from '../../store/lock.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runStoreScript } from './support/script.ts';

test('a lock is held by one only, also within one thread', (context) => {
  const path = join(temporaryDirectory(context), 'lock');
  const lock = tryLock(path);
  expect(lock).toBeDefined();
  expect(tryLock(path)).toBeUndefined();
  lock?.release();
  tryLock(path)?.release({ remove: true });
  expect(existsSync(path)).toBe(false);
});

test('where there is no file, none is made unless asked for', (context) => {
  const path = join(temporaryDirectory(context), 'lock');
  expect(tryLock(path, { create: false })).toBeUndefined();
  expect(existsSync(path)).toBe(false);
});

test('tasks that want a lock run one after the other', async (context) => {
  const path = join(temporaryDirectory(context), 'lock');
  let inside = 0;
  let most = 0;
  const task = () =>
    withLock(path, async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    });
  await Promise.all(Array.from({ length: 10 }, task));
  expect(most).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test('a lock is released when its action fails', async (context) => {
  const path = join(temporaryDirectory(context), 'lock');
  await expect(
    withLock(path, () => {
      throw new Error('of the action');
    }),
  ).rejects.toThrow('of the action');
  expect(await withLock(path, () => 'free')).toBe('free');
});

test('processes count to the same number under a lock', async (context) => {
  const directory = temporaryDirectory(context);
  const counter = join(directory, 'counter');
  writeFileSync(counter, '0');
  const script = `
    import { readFileSync, writeFileSync } from 'node:fs';
    import { withLock } from 'store';
    const [lock, counter] = process.argv.slice(2);
    for (let i = 0; i < 50; i++) {
      await withLock(lock, () => writeFileSync(counter, String(Number(readFileSync(counter, 'utf8')) + 1)));
    }
    console.log('done');
  `;
  const paths = [join(directory, 'lock'), counter];
  const results = await Promise.all(Array.from({ length: 4 }, () => runStoreScript(context, script, paths)));
  expect(results.map(({ stdout, stderr }) => stdout + stderr)).toEqual(['done\n', 'done\n', 'done\n', 'done\n']);
  expect(readFileSync(counter, 'utf8')).toBe('200');
});

test('the lock of a killed process is free', async (context) => {
  const path = join(temporaryDirectory(context), 'lock');
  const script = `
    import { tryLock } from 'store';
    console.log(tryLock(process.argv[2]) === undefined ? 'busy' : 'held');
    setInterval(() => {}, 1000);
  `;
  const seen: boolean[] = [];
  const onLine = (_: string, kill: (signal: NodeJS.Signals) => void) => {
    seen.push(tryLock(path) === undefined);
    kill('SIGKILL');
  };
  expect((await runStoreScript(context, script, [path], { onLine })).stdout).toBe('held\n');
  expect(seen).toEqual([true]);
  expect(tryLock(path)).toBeDefined();
});

test('the lock of a worker thread is free when the thread ends', async (context) => {
  const path = join(temporaryDirectory(context), 'lock');
  const script = `
    import { isMainThread, Worker, workerData } from 'node:worker_threads';
    import { tryLock } from 'store';
    if (isMainThread) {
      const worker = new Worker(new URL(import.meta.url), { workerData: process.argv[2] });
      worker.once('message', async () => {
        const before = tryLock(process.argv[2]) === undefined;
        await worker.terminate();
        console.log(before, tryLock(process.argv[2]) === undefined);
      });
    } else {
      const { parentPort } = await import('node:worker_threads');
      tryLock(workerData);
      parentPort.postMessage('held');
      setInterval(() => {}, 1000);
    }
  `;
  expect((await runStoreScript(context, script, [path])).stdout).toBe('true false\n');
});
