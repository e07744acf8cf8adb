/** What a container's life may be asked for: who restarts it, who looks after it, what is kept of what it says. */

/**
 * Whether it is started again when it has ended by itself, after a pause of 100 ms that doubles up to a minute and
 * begins anew when it ran for ten seconds: never, when it failed (at most so many times in a row), always. Until it is
 * stopped by `stop`, `kill` or `remove`.
 */
export type RestartPolicy = 'no' | 'on-failure' | `on-failure:${number}` | 'always' | 'unless-stopped';

/** A command that tells whether the container is well: Docker's HEALTHCHECK. What is left out is the image's. */
export interface HealthCheck {
  /** Executed in the container; 0 is healthy. A string is run by `/bin/sh -c`. */
  readonly command?: string | readonly string[] | undefined;
  /** @default 30 000 */
  readonly intervalMs?: number | undefined;
  /** A check that takes longer has failed, and is ended. @default 30 000 */
  readonly timeoutMs?: number | undefined;
  /** How many in a row must fail. @default 3 */
  readonly retries?: number | undefined;
  /** Failures do not count so long after the start, until one check has passed. @default 0 */
  readonly startPeriodMs?: number | undefined;
  /** The interval meanwhile. @default 5 000 */
  readonly startIntervalMs?: number | undefined;
}

/** What is kept of a container's output for `logs`. */
export interface LogOptions {
  /**
   * How long a file of a detached container's log is when the next one is begun, in bytes: what is read at once, up to
   * 32 KiB, is not divided among two.
   * @default 10 MiB
   */
  readonly maxFileBytes?: number | undefined;
  /** How many files there are at most. @default 3 */
  readonly maxFiles?: number | undefined;
  /** Of an attached container, so many bytes of each stream are kept in this process's memory. @default 1 MiB */
  readonly maxMemoryBytes?: number | undefined;
}
