/** What processes leave behind, when we end them. */
import { Container } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { busybox, privateStore, sh } from './fixture.ts';

privateStore();

const sleeping = (context: TestContext) => Container.start(busybox(context), { command: ['sleep', '600'], init: true });
/** What runs besides the first process: those that begin with `sleep 601` and above. */
const othersIn = async (container: Container) =>
  (await container.exec(['ps', '-o', 'args'])).stdout.match(/^sleep 60[1-9]$/gm);

test('what an executed process has started ends with it', async (context) => {
  await using container = await sleeping(context);
  const script = sh('sleep 601 & echo x; wait');
  const startedAt = performance.now();

  const timedOut = await container.exec(script, { timeoutMs: 200 });
  expect(timedOut).toMatchObject({ timedOut: true, signal: 'SIGKILL', stdout: 'x\n' });
  await expect(container.exec(script, { signal: AbortSignal.timeout(100) })).rejects.toThrow('timeout');
  const long = sh('sleep 601 & seq 100; wait');
  await expect(container.exec(long, { maxOutputBytes: 5 })).rejects.toMatchObject({
    code: 'OUTPUT_TOO_LONG',
    stdout: '1\n2\n3',
  });
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  await expect.poll(() => othersIn(container)).toBeNull();
});

test('what a spawned process has started ends with it, by its signal and at the end of its block', async (context) => {
  await using container = await sleeping(context);
  const script = sh('sleep 601 & sleep 602 & echo x; wait');
  const controller = new AbortController();
  const aborted = await container.spawn(script, { signal: controller.signal });
  await aborted.stdout.lines().next();
  controller.abort(new Error('enough'));
  await expect(aborted.wait()).rejects.toThrow('enough');
  {
    await using process = await container.spawn(script);
    await process.stdout.lines().next();
  }
  await expect.poll(() => othersIn(container)).toBeNull();
});

test('a deadline waits for no output of who has left the session, or was left behind', async (context) => {
  await using container = await sleeping(context);
  const startedAt = performance.now();
  const left = await container.exec(sh('setsid sleep 601 & echo x; wait'), { timeoutMs: 200 });
  expect(left).toMatchObject({ timedOut: true, signal: 'SIGKILL', stdout: 'x\n' });
  const behind = await container.exec(sh('sleep 601 & echo x'), { timeoutMs: 200 });
  expect(behind).toMatchObject({ timedOut: true, exitCode: 0, stdout: 'x\n' });
  const reason = new Error('enough');
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 200);
  await expect(container.exec(sh('sleep 601 & echo x'), { signal: controller.signal })).rejects.toBe(reason);
  expect(performance.now() - startedAt).toBeLessThan(20_000);
});

test('what a process starts and leaves behind goes on when nobody ends it', async (context) => {
  await using container = await sleeping(context);
  await container.exec(sh('sleep 601 > /dev/null 2>&1 &'));
  expect(await othersIn(container)).toEqual(['sleep 601']);
});

test('what runs for somebody else in the container is not ended', async (context) => {
  await using container = await sleeping(context);
  const other = await container.spawn(['sleep', '603']);
  await container.exec(sh('sleep 601; true'), { timeoutMs: 100 });
  await expect.poll(() => othersIn(container)).toEqual(['sleep 603']);
  other.kill('SIGKILL');
  await other.wait();
});

test('all that was allowed is with the error of output that is too long', async (context) => {
  const run = Container.run(busybox(context), sh('seq 100; echo e >&2; cat /dev/zero'), { maxOutputBytes: 1000 });
  const failure = await run.catch((error: unknown) => error as { code: string; stdout: string; stderr: string });
  expect(failure).toMatchObject({ code: 'OUTPUT_TOO_LONG', stderr: 'e\n' });
  expect((failure as { stdout: string }).stdout).toMatch(/^1\n2\n(?:.|\n)*\n100\n\0+$/);
  expect((failure as { stdout: string }).stdout).toHaveLength(1000);
});
