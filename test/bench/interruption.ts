/**
 * Ctrl-C and its relatives. The bench is not ended on the spot: its programs are, the race in progress throws, and every
 * `finally` on the way out removes what its block made.
 */
import { constants } from 'node:os';
import { endAll } from './processes.ts';

const controller = new AbortController();

/** Aborted when the bench was told to end. */
export const interruption: AbortSignal = controller.signal;

/** Why the bench ended early. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** From now on a signal interrupts the bench. */
export function listenForInterruption(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      controller.abort(new Interrupted(signal));
      endAll();
    });
  }
}
