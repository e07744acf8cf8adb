/** Starts a detached container. */
import {
  containerPaths,
  EVENT_NUMBERS,
  forgetPause,
  forgetStop,
  leaveContainer,
  renewContainerDirectory,
} from '../../store/index.ts';
import { rootOf } from '../image-root.ts';
import { mountsOf } from '../spec/mounts.ts';
import { decideContainer } from './decide.ts';
import { takeClaim } from './decide-ids.ts';
import { LOOKS } from './looks.ts';
import { eventPayload } from './note.ts';
import { openNamespaces } from './open-namespaces.ts';
import { stopSignalOf } from './stop.ts';
import { type StoredParts, writeSpec } from './stored-spec.ts';
import { startSupervised } from './supervisor.ts';
import { userNamespaceOf } from './user-namespace.ts';
import { fillVolumes } from './volumes.ts';

/**
 * Decides the container anew and starts it under a supervisor; resolves when its command runs.
 *
 * @param lock the descriptor that holds the container's lock; the supervisor gets one of its own
 * @throws CaissonError, SyscallError when it could not be; then no process is left
 */
export async function startStored(parts: StoredParts, lock: number): Promise<void> {
  const { store, image, options, record } = parts;
  const { id } = record;
  // Somebody may have been among its files, or have failed to start it, also when it has never run.
  await renewContainerDirectory(store, id);
  // Who made it may have died before they were whole.
  await fillVolumes(
    store,
    containerPaths(store, id).path,
    mountsOf(options, image.config),
    rootOf(store, image.origin, 'prepare'),
  );
  forgetStop(store, id);
  await forgetPause(store, id);
  const spec = decideContainer(image, options, id, store, 'prepare', LOOKS);
  const range = takeClaim(spec);
  const namespaces = openNamespaces(spec, store);
  try {
    await writeSpec(store, id, spec);
    await startSupervised({
      store,
      id,
      spec,
      options,
      stopSignal: stopSignalOf(parts),
      lock,
      holds: range?.lock === undefined ? [] : [range.lock],
      values: { ...userNamespaceOf(spec), ...namespaces.values },
      journal: { kinds: { start: EVENT_NUMBERS.start, die: EVENT_NUMBERS.exit }, payload: eventPayload(record) },
    });
    range?.handOver();
    leaveContainer(store, id);
  } catch (error) {
    range?.release();
    throw error;
  } finally {
    namespaces.close();
  }
}
