/** The files of a container that is not this thread's. */
import { renewContainerDirectory } from '../../store/index.ts';
import { enterRunning, enterStopped, type Session } from '../fs/index.ts';
import { failedByEnd } from './ending.ts';
import type { Held } from './held.ts';
import { decideFiles } from './looks.ts';
import { assertReachable, type FilesOnDisk, upperOf } from './snapshot.ts';
import type { StoredLock } from './stored-lock.ts';
import { specOf } from './stored-spec.ts';
import type { StoredView } from './stored-view.ts';

/**
 * Puts an agent among its files, wherever in its life it is.
 * @param lock is taken when the files are mounted for us; it is to be released when the agent has left
 */
export async function enterStored(view: StoredView, lock: StoredLock): Promise<Session> {
  const { store, image, options } = view.parts;
  const held = view.hold();
  try {
    if (held !== undefined) return await enterRunning(specOf(view.parts, held.pid), held.pid);
  } catch (error) {
    if (held === undefined || !(await failedByEnd(error, held.pid, held.ended()))) throw error;
  } finally {
    held?.release();
  }
  if (view.state === 'removed') throw view.notRunning('read or written');
  assertReachable(view.label, options);
  await lock.take('read or written');
  try {
    await renewContainerDirectory(store, view.id);
    const spec = decideFiles(image, options, view.id, store);
    return await enterStopped(spec);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * What is to be known for what is done with all of its files.
 * @param held its first process, if it runs
 * @param signal is aborted when it is removed
 */
export function describeStored(view: StoredView, held: Held | undefined, signal: AbortSignal): FilesOnDisk {
  const { store, image, options } = view.parts;
  return {
    id: view.id,
    store,
    label: view.label,
    base: image,
    config: image.config,
    args: view.spec?.process.args ?? options.command ?? [],
    upper: upperOf(options),
    pid: held?.pid ?? null,
    // A kill between the two steps of moving them would lose what outlives us.
    isCopied: true,
    signal,
    rebase: () => undefined,
  };
}
