/** Conditions that a start waits for. */
import { checkReadiness } from './check.ts';
import type {
  AllReady,
  AnyReady,
  CheckReady,
  ExecReady,
  ExitReady,
  HealthyReady,
  HttpReady,
  LogReady,
  PortReady,
  Readiness,
  ReadyCheck,
} from './readiness.ts';

export { checkReadyOptions } from './check.ts';
export type * from './readiness.ts';

/**
 * What `ready` of a container's options is made with: plain data, which other data like it may be instead of.
 * Each function throws a TypeError for what cannot be meant.
 *
 * @example
 * await Container.start(image, { ready: ready.port(5432) });
 * await Container.start(image, { ready: ready.all(ready.log(/listening/), ready.http({ port: 80, path: '/health' })) });
 */
export const ready = {
  /** Something in the container listens on a TCP port. No connection is made. */
  port: (port: number, options: { readonly host?: string | undefined } = {}): PortReady => {
    return checked({ kind: 'port', port, ...options });
  },

  /** A line of its output contains a text, also an unfinished one, or matches an expression; or did before the wait began. */
  log: (
    pattern: string | RegExp,
    options: { readonly times?: number | undefined; readonly stream?: 'stdout' | 'stderr' | undefined } = {},
  ): LogReady => checked({ kind: 'log', pattern, ...options }),

  /** A server in the container answers; it needs no port of this machine. */
  http: (options: Omit<HttpReady, 'kind'>): HttpReady => checked({ ...options, kind: 'http' }),

  /** A command that is executed in the container exits with 0. */
  exec: (command: readonly string[], options?: ExecReady['options']): ExecReady => {
    return checked({ kind: 'exec', command, ...(options === undefined ? {} : { options }) });
  },

  /** Its health check has passed. */
  healthy: (): HealthyReady => ({ kind: 'healthy' }),

  /** Its command has ended, with this code. @param code @default 0 */
  exit: (code = 0): ExitReady => checked({ kind: 'exit', code }),

  /** All of these conditions. */
  all: (...of: readonly Readiness[]): AllReady => checked({ kind: 'all', of }),

  /** One of these conditions. */
  any: (...of: readonly Readiness[]): AnyReady => checked({ kind: 'any', of }),

  /** A function of one's own: called again, after 10 to 250 ms, until it says true. What it throws means no. */
  check: (check: ReadyCheck): CheckReady => checked({ kind: 'check', check }),
} as const;

/** What the caller changes later is not ours. */
export function copyReadiness<T extends Readiness | readonly Readiness[]>(given: T): T {
  if (Array.isArray(given)) return given.map((each) => copyReadiness(each)) as readonly Readiness[] as T;
  const { of } = given as { readonly of?: readonly Readiness[] };
  return { ...given, ...(of === undefined ? {} : { of: copyReadiness(of) }) };
}

function checked<T extends Readiness>(readiness: T): T {
  checkReadiness(readiness, `ready.${readiness.kind}`);
  return readiness;
}
