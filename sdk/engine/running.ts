/** A process that was started, before it is given to anyone. */
import type { StdinOption } from '../spec/options.ts';
import type { Child } from './child.ts';
import type { Ends } from './stdio.ts';

/** A process and our ends of its descriptors, which belong to whoever takes it over. */
export interface Running {
  readonly child: Child;
  readonly ends: Ends;
  readonly args: readonly string[];
  readonly stdin: StdinOption;
  /** Ends the process when it is aborted. */
  readonly signal: AbortSignal | undefined;
  /**
   * Of a process that has ended: the error that ended it before its command ran. Left out where the command is
   * known to have run.
   */
  failure?(): unknown;
}
