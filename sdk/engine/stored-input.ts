/** What a detached container reads: a fifo in its directory, which any process may write to. */
import { constants, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { containerPaths, type Store } from '../../store/index.ts';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { openInput } from './input.ts';
import { tellSupervisor } from './supervisor-request.ts';

/**
 * What a detached container reads, as a stream.
 * @throws CaissonError NO_STREAM, NOT_RUNNING
 */
export function openStoredInput(store: Store, id: string, label: string): Writable {
  const { stdin } = containerPaths(store, id);
  let descriptor: number;
  try {
    descriptor = openSync(stdin, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENXIO')) {
      throw new CaissonError('NOT_RUNNING', `${label} cannot be written to: it does not run`, { cause: error });
    }
    if (!hasCode(error, 'ENOENT')) throw error;
    throw new CaissonError('NO_STREAM', `stdin of ${label} is no stream`, {
      hint: "make it with { stdin: 'pipe' }, or with a terminal",
      cause: error,
    });
  }
  // A descriptor of ours, like those of pipes: the stream closes it.
  return openInput(descriptor).once('finish', () => tellSupervisor(store, id, 'endInput'));
}
