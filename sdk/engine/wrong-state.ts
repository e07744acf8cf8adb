/** The errors for what cannot be done in the state that a container is in. */
import { inspect } from 'node:util';
import { CaissonError } from '../../syscalls/index.ts';
import type { ContainerState } from './life.ts';

/** @param done completes "the container cannot be …" */
export function wrongState(name: string, state: ContainerState | 'being removed', done: string): CaissonError {
  const message = `container ${inspect(name)} cannot be ${done}: it is ${state}`;
  if (done === 'resumed' && state === 'running') return new CaissonError('NOT_PAUSED', message);
  if (state === 'paused') return new CaissonError('PAUSED', message, { hint: 'resume it first' });
  if (state === 'removed' || state === 'being removed') return new CaissonError('NOT_RUNNING', message);
  // What is restarting has no process that anything could be done with, but cannot be started either.
  const isUp = state === 'running' || (state === 'restarting' && done === 'started');
  return new CaissonError(isUp ? 'ALREADY_RUNNING' : 'NOT_RUNNING', message);
}
