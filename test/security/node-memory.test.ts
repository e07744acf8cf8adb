/**
 * No process that anything in a container can see ever shares or copies Node's memory: a program that looks into all
 * it can see, from the inside, never finds what only Node knows.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Container, type ContainerOptions, Image } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runUnprivileged } from '../support/unprivileged.ts';

const isRoot = process.getuid?.() === 0;
const EXECS = 100;
const STARTS = 20;

/** What scan.c prints. */
interface Seen {
  readonly rounds: number;
  readonly processes: number;
  readonly read: number;
  /** Looks at a process that did not tell what it executes: one that is about to enter its command. */
  readonly refused: number;
  readonly stubs: number;
  readonly nodes: number;
  readonly found: number;
  readonly attached: number;
  /** Processes that could be attached to before they had entered their command. */
  readonly caught: number;
}

test('the scanner finds a secret where it is: in Node itself', (context) => {
  const { halves, secret } = makeSecret();
  const scanner = compileScanner(context);
  const find = (...given: readonly string[]) =>
    execFileSync(join(scanner, 'scan'), [...given, String(process.pid)], { encoding: 'utf8' });
  expect(find(...halves)).toBe('{"found":1}\n');
  expect(find(...halves.toReversed())).toBe('{"found":0}\n');
  expect(secret.length).toBe(64);
});

test("root in a container never sees Node's memory, whatever is started and executed meanwhile", async (context) => {
  const { halves, secret } = makeSecret();
  await using container = await startScannable(context, {});
  const scanner = await container.spawn(['/scan/scan', ...halves]);
  const seen = await scanWhileBusy(container, { stdin: scanner.stdin as Writable, stdout: scanner.stdout as Readable });
  await scanner.wait();
  expect(seen).toMatchObject({ nodes: 0, found: 0, caught: 0 });
  expect(seen.refused).toBeGreaterThan(0);
  expectMuchSeen(seen);
  expect(secret.length).toBe(64);
});

test("PID 1 of ours in a container has a file and memory of its own, and nothing of Node's", async (context) => {
  const { halves, secret } = makeSecret();
  // As root, it has changed its ids on its way into a user namespace, and nobody in the container may look at it.
  await using container = await startScannable(context, { init: true, ...(isRoot ? { userns: 'host' } : {}) });
  const scanner = await container.spawn(['/scan/scan', ...halves]);
  const seen = await scanWhileBusy(container, { stdin: scanner.stdin as Writable, stdout: scanner.stdout as Readable });
  await scanner.wait();
  expect(seen).toMatchObject({ nodes: 0, found: 0, caught: 0 });
  expect(seen.stubs).toBeGreaterThanOrEqual(seen.rounds);
  expect(seen.read).toBeGreaterThan(seen.rounds);
  expect(secret.length).toBe(64);
});

test.runIf(isRoot)(
  "not even root of the host, with every capability, finds Node's memory among a container's processes",
  async (context) => {
    requires(context, existsSync('/usr/bin/nsenter'), 'nsenter (util-linux)');
    const { halves, secret } = makeSecret();
    await using container = await startScannable(context, {});
    const args = ['--target', String(container.pid), '--mount', '--pid', '/scan/scan', ...halves];
    const scanner = spawn('/usr/bin/nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    context.onTestFinished(() => void scanner.kill('SIGKILL'));
    const exited = once(scanner, 'exit');
    const seen = await scanWhileBusy(container, scanner);
    await exited;
    expect(seen).toMatchObject({ nodes: 0, found: 0, refused: 0 });
    // This one may look into processes that have not entered their command: it has, and found nothing.
    expect(seen.stubs).toBeGreaterThan(0);
    expectMuchSeen(seen);
    expect(secret.length).toBe(64);
  },
);

test('without root, not even who has every capability in the container can look into a process that is entering it', async (context) => {
  requires(context, existsSync('/usr/bin/nsenter'), 'nsenter (util-linux)');
  const scanner = compileScanner(context);
  const script = new URL('scan-without-root.ts', import.meta.url);
  const { stdout, stderr } = await runUnprivileged(context, script, { args: [scanner] });
  expect(stderr).toBe('');
  const seen = JSON.parse(stdout) as Seen;
  expect(seen).toMatchObject({ nodes: 0, found: 0, caught: 0 });
  expect(seen.refused).toBeGreaterThan(0);
  expect(seen.attached).toBeGreaterThan(0);
});

/** A secret in this process's memory, and its halves, which are nowhere together but in it. */
function makeSecret(): { readonly halves: readonly [string, string]; readonly secret: Buffer } {
  const halves = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')] as const;
  const secret = Buffer.alloc(64);
  halves.forEach((half, index) => {
    secret.write(half, index * 32, 'latin1');
  });
  return { halves, secret };
}

/** The directory of the compiled scanner, linked to run in any root. */
function compileScanner(context: TestContext): string {
  const directory = temporaryDirectory(context, 0o755);
  const compiler = ['/usr/bin/cc', '/usr/bin/gcc', '/usr/bin/clang'].find((path) => existsSync(path));
  requires(context, compiler, 'a C compiler');
  execFileSync(compiler, [
    '-O2',
    '-static',
    '-o',
    join(directory, 'scan'),
    new URL('scan.c', import.meta.url).pathname,
  ]);
  return directory;
}

async function startScannable(context: TestContext, options: ContainerOptions): Promise<Container> {
  process.env.CAISSON_ROOT = temporaryDirectory(context);
  const mounts = [{ type: 'bind', source: compileScanner(context), target: '/scan', readOnly: true }] as const;
  return Container.start(Image.host(), { command: ['sleep', '600'], mounts, ...options });
}

/** Executes and starts, ten at a time, while a scanner looks; then ends it and tells what it saw. */
async function scanWhileBusy(
  container: Container,
  { stdin, stdout }: { stdin: Writable; stdout: Readable },
): Promise<Seen> {
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('ready');
  const jobs = [
    ...Array.from({ length: EXECS }, () => async () => (await container.exec(['true'])).exitCode),
    ...Array.from({ length: STARTS }, () => async () => (await Container.run(Image.host(), ['true'])).exitCode),
  ];
  const codes: (number | null)[] = [];
  const work = async () => {
    for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) codes.push(await job());
  };
  await Promise.all(Array.from({ length: 10 }, work));
  expect(codes).toEqual(Array(EXECS + STARTS).fill(0));
  stdin.end();
  const seen = await lines.next();
  return JSON.parse(seen.value as string) as Seen;
}

/** A scanner that saw next to nothing would prove as much. */
function expectMuchSeen({ rounds, processes, read, attached }: Seen): void {
  expect(rounds).toBeGreaterThan(10);
  expect(processes).toBeGreaterThan(EXECS / 2);
  expect(read).toBeGreaterThan(rounds);
  expect(attached).toBeGreaterThan(0);
}
