/**
 * Readiness of descriptors by asking for it, again and again. For worker threads: koffi's watches on libuv's loop make
 * `worker.terminate()` crash the whole process (its handles are closed after the loop is gone), and with it every test
 * runner that ends its threads so.
 */
import { shared } from './copies.ts';
import { POLLERR, POLLFD, POLLHUP, POLLIN, POLLOUT, ppoll, TIMESPEC } from './files.ts';
import type { Readiness, Watch } from './poll.ts';
import { SIGSET_SIZE } from './process.ts';

/** How long after the last descriptor was ready the next round begins; each one in which none is doubles it. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 8;

interface Watched {
  readonly descriptor: number;
  readonly ready: () => void;
  events: number;
  isRef: boolean;
}

/** What this thread watches, and when it looks next. */
interface Rounds {
  readonly watched: Set<Watched>;
  timer: NodeJS.Timeout | undefined;
  waitMs: number;
}

const rounds = shared<Rounds>('poll rounds', () => ({ watched: new Set(), timer: undefined, waitMs: FIRST_WAIT_MS }));

/** As `watch`, by a timer of the thread's. @internal */
export function watchInRounds(descriptor: number, readiness: Readiness, ready: () => void): Watch {
  const each: Watched = { descriptor, ready, events: eventsOf(readiness), isRef: true };
  rounds.watched.add(each);
  lookSoon();
  const refer = (isRef: boolean) => {
    each.isRef = isRef;
    referTimer();
  };
  return {
    change(wanted) {
      each.events = eventsOf(wanted);
      if (rounds.watched.has(each)) lookSoon();
    },
    close() {
      rounds.watched.delete(each);
      referTimer();
    },
    ref: () => refer(true),
    unref: () => refer(false),
  };
}

function eventsOf({ readable, writable }: Readiness): number {
  return (readable === true ? POLLIN : 0) | (writable === true ? POLLOUT : 0);
}

/** What has changed may be ready at once. */
function lookSoon(): void {
  clearTimeout(rounds.timer);
  rounds.waitMs = FIRST_WAIT_MS;
  rounds.timer = setTimeout(look, rounds.waitMs);
  referTimer();
}

/** The thread goes on for as long as something is waited for that is to keep it. */
function referTimer(): void {
  const { timer, watched } = rounds;
  if ([...watched].some(({ events, isRef }) => isRef && events !== 0)) timer?.ref();
  else timer?.unref();
}

function look(): void {
  rounds.timer = undefined;
  const wanted = [...rounds.watched].filter(({ events }) => events !== 0);
  if (wanted.length === 0) return;
  const ready = readyAmong(wanted);
  rounds.waitMs = ready.length > 0 ? FIRST_WAIT_MS : Math.min(2 * rounds.waitMs, LONGEST_WAIT_MS);
  // Before anybody is told: who is told may watch something else.
  rounds.timer = setTimeout(look, rounds.waitMs);
  for (const each of ready) if (rounds.watched.has(each)) each.ready();
  referTimer();
}

function readyAmong(wanted: readonly Watched[]): Watched[] {
  const fds = Buffer.concat(wanted.map(({ descriptor: fd, events }) => POLLFD.encode({ fd, events }).bytes));
  // Nobody has a handler that could interrupt it, and it waits for nothing.
  ppoll(fds, wanted.length, TIMESPEC.encode({}), null, SIGSET_SIZE);
  const isReady = (index: number) => {
    const { revents } = POLLFD.decode(fds, index * POLLFD.size);
    return (revents & ((wanted[index]?.events ?? 0) | POLLHUP | POLLERR)) !== 0;
  };
  return wanted.filter((_, index) => isReady(index));
}
