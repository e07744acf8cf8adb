/** Measures contenders in turns, so that whatever else the machine does falls on all of them. */
import { setTimeout as pause } from 'node:timers/promises';
import { interruption } from './interruption.ts';
import type { Row } from './result.ts';

/** Someone that is ready to be measured. */
export interface Contender {
  /** One measurement, in the unit of the scenario. */
  sample(): Promise<number>;
  close?(): Promise<void> | void;
}

/** Someone that may turn out not to be able to take part: then `open` throws the reason. */
export interface Entry {
  readonly name: string;
  open(): Promise<Contender>;
}

/** How long a race lasts. */
export interface Pace {
  readonly rounds: number;
  /** Samples that are thrown away at the start, per contender. */
  readonly warmups: number;
  /** A contender that has used so much time sits out the remaining rounds: a slow one does not decide how long all take. */
  readonly budgetMs: number;
}

/**
 * Between two turns: the kernel takes namespaces apart after their last process has been waited for, and the next
 * contender should not pay for it. Without sleeping, because a virtual machine's processor that went idle takes about a
 * millisecond to be itself again, which would be added to contenders that this process starts, and not to the limit.
 */
const SETTLE_MS = 3;

/** A sample that takes longer will never end. */
const SAMPLE_MS = 60_000;

interface Runner {
  readonly name: string;
  readonly contender: Contender;
  readonly samples: number[];
  readonly failures: string[];
  usedMs: number;
}

/** So many failures end a contender's race; fewer are reported beside its samples. */
const MAX_FAILURES = 3;

/**
 * Runs all entries against each other: every round each takes a turn, in an order of its own, so that nobody always
 * follows the same one. Never throws because of a contender: its row says what went wrong.
 */
export async function race(entries: readonly Entry[], pace: Pace): Promise<Row[]> {
  const lineup: (Runner | Row)[] = [];
  try {
    for (const entry of entries) lineup.push(await open(entry));
    for (let round = -pace.warmups; round < pace.rounds; round++) {
      for (const runner of shuffled(lineup.filter((each) => 'contender' in each))) {
        interruption.throwIfAborted();
        if (runner.failures.length >= MAX_FAILURES || runner.usedMs >= pace.budgetMs) continue;
        await takeTurn(runner, round >= 0);
        await settle();
      }
    }
  } finally {
    for (const each of lineup) if ('contender' in each) await close(each);
  }
  return lineup.map((each) => ('contender' in each ? rowOf(each) : each));
}

/**
 * Does `total` pieces of work, `width` at a time; each is told which of the slots it runs in. When one fails no more are
 * begun, and the error is thrown when those under way have ended.
 */
export async function inParallel(total: number, width: number, work: (slot: number) => Promise<unknown>) {
  let left = total;
  const slot = async (index: number) => {
    while (left > 0) {
      left--;
      await work(index).catch((error: unknown) => {
        left = 0;
        throw error;
      });
    }
  };
  const slots = await Promise.allSettled(Array.from({ length: width }, (_, index) => slot(index)));
  const failed = slots.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}

/** The line of an error that says most, short enough for a table. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.trim().split('\n');
  // A Node process that throws prints the place first and the error some lines later.
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines[0] ?? '').slice(0, 160);
}

async function open(entry: Entry): Promise<Runner | Row> {
  try {
    return { name: entry.name, contender: await entry.open(), samples: [], failures: [], usedMs: 0 };
  } catch (error) {
    return { kind: 'skipped', name: entry.name, reason: reasonOf(error) };
  }
}

async function settle(): Promise<void> {
  const end = performance.now() + SETTLE_MS;
  while (performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
}

async function takeTurn(runner: Runner, counts: boolean): Promise<void> {
  const begin = performance.now();
  try {
    const sample = await within(SAMPLE_MS, runner.contender.sample());
    if (counts) runner.samples.push(sample);
  } catch (error) {
    runner.failures.push(reasonOf(error));
  }
  if (counts) runner.usedMs += performance.now() - begin;
}

/** The outcome of some work, unless it takes too long or the bench is interrupted. */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const late = pause(timeoutMs, undefined, { signal: AbortSignal.any([ended.signal, interruption]) }).then(() => {
    throw new Error(`no end in ${timeoutMs / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    ended.abort();
  }
}

function rowOf({ name, samples, failures }: Runner): Row {
  const [reason] = failures;
  if (reason === undefined) return { kind: 'measured', name, samples };
  if (failures.length < MAX_FAILURES && samples.length > 0) return { kind: 'measured', name, samples, failures };
  return { kind: 'skipped', name, reason };
}

/** One that cannot be closed does not keep the others open. */
async function close({ name, contender }: Runner): Promise<void> {
  try {
    await contender.close?.();
  } catch (error) {
    console.error(`${name}: left behind: ${reasonOf(error)}`);
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
