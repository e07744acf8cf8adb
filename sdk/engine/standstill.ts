/** Which processes of a container are to stand still, and how long that is waited for. */
import { CaissonError } from '../../syscalls/index.ts';
import { type Members, membersOf, readStat } from './processes.ts';
import { readSetting } from './restrictions.ts';

/** Until when processes are to stand still. */
export interface Patience {
  /** When it is given up, as Date.now() counts. */
  readonly deadline: number;
  /** Gives it up before. */
  readonly signal?: AbortSignal | undefined;
}

/** Who is to stand still. */
export type Stoppable = Pick<Members, 'list' | 'others' | 'has'>;

/** How long processes are waited for that are deep in the kernel: on a disk that does not answer. */
const DEADLINE_MS = 10_000;

/** As long as processes may need that do what they are told. */
export function patienceFor(signal?: AbortSignal): Patience {
  return { deadline: Date.now() + DEADLINE_MS, signal };
}

/**
 * Who is to stand still of a container: all but its keeper. That one is told when its owner dies, and would leave what it
 * keeps behind if it could not act upon it.
 */
export function stoppableOf(initPid: number): Stoppable {
  const members = membersOf(initPid);
  return {
    list: () => members.list().filter((pid) => !members.isKeeper(pid)),
    *others(known) {
      for (const pid of members.others(known)) if (!members.isKeeper(pid)) yield pid;
    },
    has: (pid) => members.has(pid) && !members.isKeeper(pid),
  };
}

/**
 * Stops each of them until there is nobody who is not known. Who makes another and ends at once must be stopped as soon
 * as he is seen, and may be seen in none of two looks: so it is looked again while any process was made on this machine.
 * Not for ever, as it may have been anybody's.
 *
 * @param stop is called for each, who is known from then on
 * @throws CaissonError NOT_FROZEN
 */
export async function stopEach(
  members: Stoppable,
  known: { has(pid: number): boolean; readonly size: number },
  patience: Patience,
  stop: (pid: number) => Promise<void> | void,
): Promise<void> {
  // The oldest first, so that no parent sees its children stop.
  let pids: Iterable<number> = members.list().filter((pid) => !known.has(pid));
  for (let looks = 0; looks < MAX_LOOKS; looks++, pids = members.others(known)) {
    const [last, before] = [lastPid(), known.size];
    for (const pid of pids) {
      checkPatience(patience, [pid]);
      await stop(pid);
    }
    if (known.size > before) looks = -1;
    else if (lastPid() === last) return;
  }
}

const MAX_LOOKS = 10;

/** The id that was given to a process or thread last (man 5 proc_loadavg). */
function lastPid(): string | undefined {
  return readSetting('/proc/loadavg').split(' ').at(-1);
}

/**
 * Resolves when nobody is left who is still to stop.
 * @throws CaissonError NOT_FROZEN when that takes too long
 */
export async function untilStill(moving: () => readonly number[], patience: Patience): Promise<void> {
  for (let left = moving(); left.length > 0; left = moving()) {
    checkPatience(patience, left);
    // Nothing tells that somebody else's child has stopped.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** @throws CaissonError NOT_FROZEN when it is too late, and the reason of who has given up */
function checkPatience({ deadline, signal }: Patience, moving: readonly number[]): void {
  signal?.throwIfAborted();
  if (Date.now() > deadline) throw notFrozen(moving);
}

function notFrozen(pids: readonly number[]): CaissonError {
  const stuck = pids.filter((pid) => readStat(pid)?.state === 'D');
  const named = (stuck.length > 0 ? stuck : pids).slice(0, MAX_NAMED).join(', ');
  const message = `processes ${named} of the container do not stop: they wait in the kernel, or are others at every moment`;
  return new CaissonError('NOT_FROZEN', message, { hint: 'try again, or give { pause: false }' });
}

/** How many processes an error names. */
const MAX_NAMED = 10;
