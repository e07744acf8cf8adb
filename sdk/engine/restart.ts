/** Who is started again by himself: Docker's restart policies. */
import type { RestartPolicy } from '../spec/life-options.ts';

/** A container whose first process has ended. */
export interface Ended {
  /** As wait4(2) says it: 0 is success. */
  readonly waitStatus: number;
  /** How long it ran, in milliseconds. */
  readonly ranMs: number;
  /** How often it was started again already. */
  readonly restarts: number;
  /** The pause before that; 0 before the first. */
  readonly lastDelayMs: number;
}

/** The first pause; each is twice the one before. */
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 60_000;
/** Who ran so long begins with the first pause again. */
const STEADY_MS = 10_000;

/** The pause until a container is started again, in milliseconds; undefined when it is not. */
export function restartDelay(
  policy: RestartPolicy,
  { waitStatus, ranMs, restarts, lastDelayMs }: Ended,
): number | undefined {
  if (policy === 'no') return undefined;
  if (policy.startsWith('on-failure')) {
    const most = policy.includes(':') ? Number(policy.split(':')[1]) : Number.POSITIVE_INFINITY;
    if (waitStatus === 0 || restarts >= most) return undefined;
  }
  if (lastDelayMs === 0 || ranMs >= STEADY_MS) return FIRST_DELAY_MS;
  return Math.min(lastDelayMs * 2, MAX_DELAY_MS);
}
