/** How processes end. */
import { constants } from 'node:os';

/** How a process ended: by itself, with a code, or by a signal. The other one is null. */
export interface ExitStatus {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a wait status says (man 2 wait). */
export function exitStatusOf(waitStatus: number): ExitStatus {
  const signal = waitStatus & 0x7f;
  if (signal !== 0) return { exitCode: null, signal: signalName(signal) };
  return { exitCode: (waitStatus >> 8) & 0xff, signal: null };
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}
