/** What the checks of a container's health come to, by Docker's rules (moby, daemon/health.go). Pure. */
import type { Frame } from '../store/index.ts';
import { type ExitStatus, exitStatusOf } from './engine/exit-status.ts';
import { HEALTH_FRAME, type SpecHealth } from './spec/health.ts';

/** One check that has ended. */
export interface HealthCheckResult extends ExitStatus {
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** Whether it took too long and was ended. */
  readonly timedOut: boolean;
  /** What it printed, to both streams: the first 4 KiB. */
  readonly output: string;
}

/** How a container is, by its health check. */
export interface ContainerHealth {
  /** `'starting'` until a check has passed, or so many have failed in a row as may not. */
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  /** How many checks have failed in a row, of the last 32 at least. */
  readonly failingStreak: number;
  /** The last five checks, the latest last. */
  readonly log: readonly HealthCheckResult[];
}

const MAX_LOG = 5;

const NOTHING_YET: ContainerHealth = { status: 'starting', failingStreak: 0, log: [] };

/** What frames come to. @param startedAt the container's last start, for frames that do not tell of it any more */
export function foldHealth(
  frames: Iterable<Frame>,
  { retries, startPeriodMs }: Pick<SpecHealth, 'retries' | 'startPeriodMs'>,
  startedAt: Date | null,
): ContainerHealth {
  let health = NOTHING_YET;
  let containerStart = startedAt?.getTime() ?? 0;
  let checkStart: Date | undefined;
  for (const frame of frames) {
    const time = timeOf(frame);
    if (frame.kind === HEALTH_FRAME.started) {
      health = NOTHING_YET;
      containerStart = time.getTime();
    } else if (frame.kind === HEALTH_FRAME.began) {
      checkStart = time;
    } else if (frame.kind === HEALTH_FRAME.ended) {
      const result = resultOf(frame, checkStart ?? time);
      const isInStartPeriod = result.startedAt.getTime() - containerStart < startPeriodMs;
      health = after(health, result, { retries, isInStartPeriod });
    }
  }
  return health;
}

function after(
  { status, failingStreak, log }: ContainerHealth,
  result: HealthCheckResult,
  { retries, isInStartPeriod }: { readonly retries: number; readonly isInStartPeriod: boolean },
): ContainerHealth {
  const kept = [...log, result].slice(-MAX_LOG);
  if (result.exitCode === 0) return { status: 'healthy', failingStreak: 0, log: kept };
  if (status === 'starting' && isInStartPeriod) return { status, failingStreak, log: kept };
  const streak = failingStreak + 1;
  return { status: streak >= retries ? 'unhealthy' : status, failingStreak: streak, log: kept };
}

function resultOf(frame: Frame, startedAt: Date): HealthCheckResult {
  const timedOut = frame.value === -1;
  const status: ExitStatus = timedOut ? { exitCode: null, signal: 'SIGKILL' } : exitStatusOf(frame.value);
  return { startedAt, endedAt: timeOf(frame), ...status, timedOut, output: frame.payload.toString('utf8') };
}

function timeOf({ sec, nsec }: Frame): Date {
  return new Date(sec * 1000 + nsec / 1e6);
}
