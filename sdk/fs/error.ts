/** Errors as node:fs has them: the same codes, numbers, names of calls and paths. */
import { CaissonError, errnoNumber, SyscallError } from '../../syscalls/index.ts';
import { MAX_PATH_BYTES, type RawPath, toText } from './path.ts';

/** What was asked for, in node:fs's words. */
export interface Asked {
  /** The name that node:fs gives to the call: `'scandir'`, not `'getdents64'`. */
  readonly syscall: string;
  readonly path?: RawPath | undefined;
  readonly dest?: RawPath | undefined;
}

/** Makes the errors of `promise` those of what was asked for. */
export async function asked<T>({ syscall, path, dest }: Asked, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof SyscallError) throw failure(error.code, { syscall, path, dest });
    const { errno, code } = error as NodeJS.ErrnoException;
    if (typeof errno === 'number' && typeof code === 'string' && !(error instanceof CaissonError))
      throw failure(code, { syscall, path, dest });
    throw error;
  }
}

/** An error of the kernel's, by its name. */
export function failure(code: string, { syscall, path, dest }: Asked): SyscallError {
  return new SyscallError({
    errno: errnoNumber(code),
    syscall,
    path: path === undefined ? undefined : toText(path),
    dest: dest === undefined ? undefined : toText(dest),
  });
}

/** Refuses what is too long for the kernel, and for a request to an agent. */
export function assertLength(asked: Asked): void {
  for (const path of [asked.path, asked.dest]) {
    if (path !== undefined && path.length >= MAX_PATH_BYTES) throw failure('ENAMETOOLONG', asked);
  }
}
