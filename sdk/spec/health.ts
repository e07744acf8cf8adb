/** Health checks: what is asked for, over what the image says, decided. Pure. */
import type { ImageConfig } from '../../store/index.ts';
import { CaissonError } from '../../syscalls/common.ts';
import { type Check, type Checks, checkAll, isObject, isPositiveInteger, isString, isStrings } from './checks.ts';
import type { HealthCheck } from './life-options.ts';

/** A health check, decided: Docker's HEALTHCHECK. */
export interface SpecHealth {
  /** What is executed in the container; 0 is healthy. */
  readonly args: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
}

/** The kinds of the frames of a `health` file (plan/health.ts). */
export const HEALTH_FRAME = {
  /** A check has ended: `value` is its wait status, -1 for one that took too long; the payload what it printed. */
  ended: 1,
  /** A check begins. */
  began: 2,
  /** The container has been started, and what was before counts no more. */
  started: 3,
} as const;

/** What is said of a check besides its command, as far as it is. */
type Times = { readonly [K in keyof Omit<SpecHealth, 'args'>]?: number | undefined };

/** Docker's own: moby, daemon/health.go. */
const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0, startIntervalMs: 5_000 };

const DEFAULT_SHELL = ['/bin/sh', '-c'];

/**
 * Decides a container's health check; undefined when it has none.
 * @throws CaissonError NO_HEALTH_CHECK when options are given for one whose command neither they nor the image have
 */
export function normalizeHealth(option: HealthCheck | false | undefined, config: ImageConfig): SpecHealth | undefined {
  if (option === false) return undefined;
  const image = readHealthcheck(config);
  const args = option?.command === undefined ? image.args : commandOf(option.command, config);
  if (args === undefined) {
    if (option === undefined) return undefined;
    const message = 'option healthCheck has no command, and the image has none either';
    throw new CaissonError('NO_HEALTH_CHECK', message, { hint: "give one: { command: 'curl -f localhost' }" });
  }
  const { command: _, ...asked } = { command: undefined, ...option };
  return { ...DEFAULTS, ...present(image.times), ...present(asked), args };
}

function commandOf(command: string | readonly string[], { Shell }: ImageConfig): readonly string[] {
  if (typeof command !== 'string') return command;
  return [...(Shell === undefined || Shell.length === 0 ? DEFAULT_SHELL : Shell), command];
}

/** What an image says (image-spec has none, Docker's v1.2 does). What it says in another shape, it does not say. */
function readHealthcheck(config: ImageConfig): {
  args: readonly string[] | undefined;
  times: Times;
} {
  const { Test, Interval, Timeout, Retries, StartPeriod, StartInterval } = config.Healthcheck ?? {};
  const [kind, ...rest] = isStrings(Test) === undefined ? (Test as string[]) : [];
  const command = kind === 'CMD' ? rest : kind === 'CMD-SHELL' ? commandOf(rest.join(' '), config) : [];
  return {
    args: command.length > 0 ? command : undefined,
    times: {
      intervalMs: milliseconds(Interval),
      timeoutMs: milliseconds(Timeout),
      retries: isPositiveInteger(Retries) === undefined ? (Retries as number) : undefined,
      startPeriodMs: milliseconds(StartPeriod),
      startIntervalMs: milliseconds(StartInterval),
    },
  };
}

/** Nanoseconds, 0 for the default. */
function milliseconds(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? Math.max(1, Math.round(value / 1e6)) : undefined;
}

function present(values: Times): Partial<Omit<SpecHealth, 'args'>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

const HEALTH_CHECKS: Checks = {
  command: (value) => {
    if (typeof value === 'string') return value === '' ? 'a command' : isString(value);
    const isCommand = isStrings(value) === undefined && (value as string[]).length > 0;
    return isCommand ? undefined : 'a string or an array of one or more strings';
  },
  intervalMs: isPositiveInteger,
  timeoutMs: isPositiveInteger,
  retries: isPositiveInteger,
  startPeriodMs: (value) => (value === 0 ? undefined : isPositiveInteger(value)),
  startIntervalMs: isPositiveInteger,
};

/** Whether an option `healthCheck` can be meant. */
export const isHealthCheck: Check = (value) => (value === false || isObject(value) ? undefined : 'an object or false');

/** @throws TypeError that names what cannot be meant of an option `healthCheck` */
export function checkHealthCheck(value: unknown): void {
  if (value === undefined || value === false) return;
  checkAll('healthCheck.', value, HEALTH_CHECKS);
}
