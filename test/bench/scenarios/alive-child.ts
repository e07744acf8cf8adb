/** A program of its own (see alive.ts): starts many containers, looks at itself, ends them, prints an AliveReport. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCaisson } from '../caisson.ts';
import { inParallel } from '../harness.ts';

/** What was seen while all were alive. */
export interface AliveReport {
  readonly residentKiB: number;
  readonly alive: number;
  readonly helpers: number;
  readonly startMs: number;
  readonly stopMs: number;
}

/** Something alive, and how to end it. */
type Alive = () => Promise<unknown>;

// The default would leave the children behind; `exit` kills what `end` would.
const pids = new Set<number>();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));
process.once('exit', () => {
  for (const pid of pids) process.kill(pid, 'SIGKILL');
});

const [kind, rootfs, count] = process.argv.slice(2) as [string, string, string];
process.stdout.write(JSON.stringify(await observe(Number(count), await starter())));

async function observe(total: number, start: () => Promise<Alive>): Promise<AliveReport> {
  const alive: Alive[] = [];
  const startMore = (number: number) => inParallel(number, 10, async () => alive.push(await start()));
  // The first ones pay for compiled code and pools, which the later ones use too.
  const first = Math.ceil(total / 10);
  try {
    const begin = performance.now();
    await startMore(first);
    const residentBefore = residentBytes();
    await startMore(total - first);
    const started = performance.now();
    const residentKiB = (residentBytes() - residentBefore) / 1024 / (total - first);
    const processes = descendants();
    const sleeping = processes.filter((pid) => nameOf(pid) === 'sleep').length;
    const stopping = performance.now();
    await Promise.all(alive.splice(0).map((end) => end()));
    const stopMs = performance.now() - stopping;
    return { residentKiB, alive: sleeping, helpers: processes.length - sleeping, startMs: started - begin, stopMs };
  } finally {
    await Promise.allSettled(alive.map((end) => end()));
  }
}

async function starter(): Promise<() => Promise<Alive>> {
  if (kind === 'child_process') {
    return async () => {
      const child = spawn(join(rootfs, 'bin/sleep'), ['600']);
      await once(child, 'spawn');
      const pid = child.pid ?? 0;
      pids.add(pid);
      child.once('close', () => pids.delete(pid));
      return () => {
        const closed = once(child, 'close');
        child.kill('SIGKILL');
        return closed;
      };
    };
  }
  const { Container, Image } = await loadCaisson();
  const image = Image.directory(rootfs);
  return async () => {
    const container = await Container.start(image, { command: ['sleep', '600'] });
    return () => container[Symbol.asyncDispose]();
  };
}

function residentBytes(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** All processes below this one, whoever started them. */
function descendants(): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    const parent = parentOf(Number(name));
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap((each) => [each, ...below(each)]);
  return below(process.pid);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(read(pid, 'status'))?.[1] ?? 0);
}

/** The name of a process that runs; a zombie has none. */
function nameOf(pid: number): string {
  const status = read(pid, 'status');
  return /^State:\s+Z/m.test(status) ? '' : (/^Name:\s+(\S+)/m.exec(status)?.[1] ?? '');
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It ended in the meantime.
  }
}
