/** What a start may wait for, as plain data. `ready` makes it (index.ts), `waitUntilReady` waits for it (wait.ts). */
import type { Container } from '../container.ts';
import type { ExecOptions } from '../spec/options.ts';

/** A port that something in the container listens on. */
export interface PortReady {
  readonly kind: 'port';
  readonly port: number;
  /** An address of the container that must reach it: `'127.0.0.1'`, `'::1'`. @default any */
  readonly host?: string | undefined;
}

/** Lines of the container's output. */
export interface LogReady {
  readonly kind: 'log';
  /** A text that a line contains, be it unfinished as a prompt is, or an expression that a whole line matches. */
  readonly pattern: string | RegExp;
  /** How many lines must. @default 1 */
  readonly times?: number | undefined;
  /** @default both */
  readonly stream?: 'stdout' | 'stderr' | undefined;
}

/** An answer to an HTTP request that is made inside of the container's network. */
export interface HttpReady {
  readonly kind: 'http';
  readonly port: number;
  /** The address in the container that is asked. @default '127.0.0.1', and '::1' where nobody is reached there */
  readonly host?: string | undefined;
  /** @default '/' */
  readonly path?: string | undefined;
  /** The status, or several, that the answer must have. @default any from 200 to 399 */
  readonly status?: number | readonly number[] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** @default 'GET' */
  readonly method?: string | undefined;
  /** HTTPS; no certificate is asked for. @default false */
  readonly tls?: boolean | undefined;
}

/** A command that is executed in the container until it exits with 0. */
export interface ExecReady {
  readonly kind: 'exec';
  readonly command: readonly string[];
  readonly options?: Pick<ExecOptions, 'env' | 'user' | 'workdir'> | undefined;
}

/** The container's health check: that it has passed. */
export interface HealthyReady {
  readonly kind: 'healthy';
}

/** The end of the container's command, as of one that prepares something. */
export interface ExitReady {
  readonly kind: 'exit';
  /** @default 0 */
  readonly code?: number | undefined;
}

/** All of these. */
export interface AllReady {
  readonly kind: 'all';
  readonly of: readonly Readiness[];
}

/** One of these. */
export interface AnyReady {
  readonly kind: 'any';
  readonly of: readonly Readiness[];
}

/** Whatever a function finds out. It is called again until it says true; what it throws means no. */
export interface CheckReady {
  readonly kind: 'check';
  readonly check: ReadyCheck;
}

/** @param signal is aborted when nobody waits any more */
export type ReadyCheck = (container: Container, signal: AbortSignal) => boolean | Promise<boolean>;

/** A condition that a start waits for. */
export type Readiness =
  | PortReady
  | LogReady
  | HttpReady
  | ExecReady
  | HealthyReady
  | ExitReady
  | AllReady
  | AnyReady
  | CheckReady;
