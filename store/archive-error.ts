/** Says which archive an error is about: what reads archives knows no paths. */
import { CaissonError, hasCode, isError } from '../syscalls/index.ts';
import { explainStoreError, type Store } from './layout.ts';

/** What an image comes in. */
export interface Incoming {
  /** What errors call it: its path in quotes. */
  readonly name: string;
  /** What was going on, for errors of the store. */
  readonly doing: string;
  /** What to do about an archive that is none, where the error itself does not say it. */
  readonly hint?: string | undefined;
}

/** The error with the name of the archive, or what it says of the store; one that names a path elsewhere stays as it is. */
export function explainArchiveError(error: unknown, store: Store, { name, doing, hint }: Incoming): unknown {
  if (isError(error) && 'path' in error && !String(error.path).startsWith(store.root)) return error;
  if (!(error instanceof CaissonError)) return explainStoreError(error, doing, store.root);
  if (!hasCode(error, 'ARCHIVE_INVALID', 'LAYER_INVALID', 'LAYER_LIMIT_EXCEEDED')) return error;
  if (error.message.includes(name)) return error;
  const said = error.hint === undefined ? error.message : error.message.slice(0, -` (${error.hint})`.length);
  return new CaissonError(error.code, `${name}: ${said}`, { hint: error.hint ?? hint, cause: error });
}
