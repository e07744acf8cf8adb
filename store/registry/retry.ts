/** When to try again, and when to let it be. */
import { setTimeout as pause } from 'node:timers/promises';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import type { Settings } from './options.ts';

/** What may go well the next time. */
const TRANSIENT = ['CONNECTION_LOST', 'REGISTRY_TIMEOUT', 'RATE_LIMITED', 'REGISTRY_UNAVAILABLE'] as const;

const MAX_PAUSE_MS = 20_000;
/** A registry that wants to be left alone for longer is left alone. */
const MAX_RETRY_AFTER_MS = 120_000;

/** A pause that is made before something is tried again. */
export interface Retry {
  readonly error: CaissonError;
  readonly delayMs: number;
}

/** What {@link withRetries} goes by. */
export interface RetryPolicy extends Pick<Settings, 'retries' | 'retryDelayMs' | 'signal'> {
  readonly onRetry?: ((retry: Retry) => void) | undefined;
}

/** Does something again, a little later, when it fails in a way that may pass. */
export async function withRetries<T>(policy: RetryPolicy, action: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      await pauseBeforeRetry(policy, attempt, error);
    }
  }
}

/** Waits before the next attempt, the first having been 0; throws `error` when there is to be none. */
export async function pauseBeforeRetry(policy: RetryPolicy, attempt: number, error: unknown): Promise<void> {
  policy.signal?.throwIfAborted();
  const delayMs = retryDelay(policy, attempt, error, Math.random());
  if (delayMs === undefined || !(error instanceof CaissonError)) throw error;
  policy.onRetry?.({ error, delayMs });
  await pause(delayMs, undefined, { signal: policy.signal });
}

/**
 * How long to wait before the next attempt; undefined when there is to be none. Between half and all of a time that
 * doubles, so that many who failed together do not come back together; or what the registry asked for.
 *
 * @param random from 0 to 1
 */
export function retryDelay(
  { retries, retryDelayMs }: Pick<RetryPolicy, 'retries' | 'retryDelayMs'>,
  attempt: number,
  error: unknown,
  random: number,
): number | undefined {
  if (attempt >= retries || !hasCode(error, ...TRANSIENT)) return undefined;
  const asked = retryAfterOf(error);
  if (asked !== undefined) return asked > MAX_RETRY_AFTER_MS ? undefined : asked;
  return Math.round(Math.min(retryDelayMs * 2 ** attempt, MAX_PAUSE_MS) * (0.5 + random / 2));
}

/** Milliseconds in a Retry-After header (RFC 9110, section 10.2.3): seconds or a date. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function retryAfterOf(error: unknown): number | undefined {
  const value = (error as { readonly retryAfterMs?: unknown }).retryAfterMs;
  return typeof value === 'number' ? value : undefined;
}
