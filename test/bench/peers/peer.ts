/** What the bench asks of another program that runs containers. */
import type { Command } from '../processes.ts';
import type { Setting } from '../setting.ts';

/** Another program. Its functions throw the reason when it cannot take part on this machine. */
export interface Peer {
  readonly name: string;
  /** How what it does differs from the task, in favour of it or against it. */
  readonly note: string;
  /** Prepares to run `args` in new containers. */
  prepareRun(setting: Setting, args: Command): Prepared;
  /** Starts a container and prepares to run `args` in it. */
  prepareExec?(setting: Setting, args: Command): Prepared;
}

/** Preparations that are not part of what is measured. */
export interface Prepared {
  /** The command of the next container: engines want a new name for each. */
  next(): Command;
  close?(): void;
}

/** Ids of containers, unique among the benches that run at the same time. */
let lastId = 0;
export function nextId(): string {
  lastId++;
  return `caisson-bench-${process.pid}-${lastId}`;
}
