/** Signals, as users and images name them. */
import { constants } from 'node:os';
import { type Check, describe } from './checks.ts';

/** A signal: its name, or its number as child_process takes it, which real-time signals have alone. */
export type Signal = NodeJS.Signals | number;

/** _NSIG of the kernel. */
const LAST_SIGNAL = 64;

/** What a signal must be. */
export const isSignal: Check = (value) => {
  if (typeof value === 'string' && Object.hasOwn(constants.signals, value)) return undefined;
  const isNumber = Number.isInteger(value) && (value as number) >= 1 && (value as number) <= LAST_SIGNAL;
  return isNumber ? undefined : `the name of a signal, as 'SIGTERM', or its number, from 1 to ${LAST_SIGNAL}`;
};

/**
 * A signal by its name, if it has one: `9` is `'SIGKILL'`.
 * @throws TypeError for what is no signal
 */
export function normalizeSignal(signal: unknown): Signal {
  const expected = isSignal(signal);
  if (expected !== undefined) throw new TypeError(`a signal must be ${expected}, got ${describe(signal)}`);
  return typeof signal === 'number' ? named(signal) : (signal as NodeJS.Signals);
}

/** Its number. */
export function signalNumber(signal: Signal): number {
  return typeof signal === 'number' ? signal : constants.signals[signal];
}

/**
 * An image's StopSignal: what Docker reads as one, `SIGTERM`, `term`, `15` or `SIGRTMIN+3`. Images are anybody's: what is
 * no signal is undefined, and no error once the container is to be stopped.
 */
export function parseStopSignal(text: string): Signal | undefined {
  const name = `SIG${text.toUpperCase().replace(/^SIG/, '')}`;
  const signal = /^\d+$/.test(text) ? Number(text) : (realTime(name) ?? name);
  return isSignal(signal) === undefined ? normalizeSignal(signal) : undefined;
}

/** The C libraries keep the kernel's first two to themselves. */
const SIGRTMIN = 34;

/** A number that may be no signal's; undefined for what does not look like a real-time signal. */
function realTime(name: string): number | undefined {
  const [match, more = 0, less = 0] = /^SIGRT(?:MIN(\+\d+)?|MAX(-\d+)?)$/.exec(name) ?? [];
  if (match === undefined) return undefined;
  return match.startsWith('SIGRTMIN') ? SIGRTMIN + Number(more) : LAST_SIGNAL + Number(less);
}

function named(number: number): Signal {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] as NodeJS.Signals | undefined) ?? number;
}
