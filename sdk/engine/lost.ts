/**
 * What a detached container leaves running when its supervisor is killed. Its first process was to die with that one; when
 * it has changed its ids since, the kernel has forgotten (man 2 PR_SET_PDEATHSIG).
 */
import { type CellState, isBootKnown, readBootId, readContainerState, type Store } from '../../store/index.ts';
import { CLOCK_BOOTTIME, CLOCK_REALTIME, close } from '../../syscalls/index.ts';
import { readMs } from './clock.ts';
import { signalProcess } from './end-signal.ts';
import { isFirstOfNamespace, onEnd, openProcess, readStat, ticksToMs } from './processes.ts';

/** The clock of this machine, as it is set. */
export interface Clock {
  /** Which start of the machine this is; undefined where nothing tells. */
  readonly boot: string | undefined;
  /** When that was, by this clock, in milliseconds: another as soon as somebody sets it. */
  readonly bootMs: number;
}

/** Reads the clock. */
export function readClock(): Clock {
  // In this order: who is interrupted in between takes processes for younger than they are.
  const sinceBoot = readMs(CLOCK_BOOTTIME);
  return { boot: isBootKnown() ? readBootId() : undefined, bootMs: readMs(CLOCK_REALTIME) - sinceBoot };
}

/** How much two readings of a clock differ that nobody has set. */
const READING_MS = 5;

/**
 * Whether a process is the one that a container's state tells of, when somebody has its id: that one was there before its
 * start was noted, and nobody could have its id before it ended. Where the clock was set meanwhile, it is taken for a
 * stranger.
 *
 * @param startTicks when the process was started, since the machine was
 * @param then the clock when the container was started
 */
export function isNoted(startTicks: number, { startedAt }: CellState, then: Clock, now: Clock): boolean {
  if (startedAt === null || then.boot === undefined || then.boot !== now.boot) return false;
  if (Math.abs(then.bootMs - now.bootMs) > READING_MS) return false;
  return then.bootMs + ticksToMs(startTicks) <= startedAt.getTime();
}

/**
 * Ends the first process of a lost container, and with it all others, if it is still there; resolves when it has ended.
 * Only for whoever holds the container's lock. Where the PID namespace is not the container's own, a keeper has ended all.
 *
 * @param then the clock when the container was started
 */
export async function endLost(store: Store, id: string, then: Clock): Promise<void> {
  const state = readContainerState(store, id);
  const pidfd = state?.phase === 'running' ? openProcess(state.pid) : undefined;
  if (state === undefined || pidfd === undefined) return;
  try {
    const stat = readStat(state.pid);
    const isOurs =
      stat !== undefined && isFirstOfNamespace(state.pid) && isNoted(stat.startTicks, state, then, readClock());
    if (isOurs && signalProcess(pidfd, 'SIGKILL', false)) await new Promise<void>((resolve) => onEnd(pidfd, resolve));
  } finally {
    close(pidfd);
  }
}
