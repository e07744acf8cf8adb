/** What keeps two processes from changing what is written down of one container at the same time. */
import type { Store } from '../layout.ts';
import { withLock } from '../lock.ts';

/** The file whose lock is held while a container's record, or its spec, is changed. */
function recordLockPath({ locks }: Store, id: string): string {
  return `${locks}/record-${id}.lock`;
}

/**
 * Runs `action`, which reads what is written down of a container and replaces it, while nobody else does: else the
 * later of two would undo what the earlier has changed. Waits for its turn; not reentrant. Of the store's locks this is
 * taken first, before the names' and the one for use.
 */
export function whileRecordIsOurs<T>(store: Store, id: string, action: () => T | Promise<T>): Promise<T> {
  return withLock(recordLockPath(store, id), action);
}
