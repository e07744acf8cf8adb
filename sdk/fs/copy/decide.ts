/** Where a copy goes: docker cp's rules, which are cp(1)'s, decided from what is there. */
import { posix } from 'node:path';
import { CaissonError } from '../../../syscalls/index.ts';
import { type RawPath, toText } from '../path.ts';

/** An end of a copy: a path as it was given, and what is there. */
export interface End {
  readonly path: RawPath;
  /** `'nowhere'`: not even the directory is there that it would be in. */
  readonly kind: 'directory' | 'other' | 'missing' | 'nowhere';
}

/**
 * The path that what is copied gets.
 *
 *                        target missing          target a file    target a directory
 *     a file             is made there ¹ ²       replaced         is made in it, by its name
 *     a directory        is made there ¹         refused          is made in it, by its name
 *     a directory, `x/.` is made there ¹         refused          what is in it is made in it
 *
 * ¹ the directory above must be there · ² unless the target ends with a slash
 *
 * @throws CaissonError SOURCE_NOT_FOUND, NOT_A_DIRECTORY, TARGET_NOT_FOUND
 */
export function decideTarget(source: End, target: End): RawPath {
  assertThere(source);
  const to = toText(target.path);
  switch (target.kind) {
    case 'missing':
      if (source.kind === 'other' && endsAsDirectory(target.path))
        throw new CaissonError('TARGET_NOT_FOUND', `there is no directory '${to}' to copy into`);
      return withoutSlash(target.path);
    case 'nowhere': {
      const above = toText(directoryOf(target.path));
      throw new CaissonError('TARGET_NOT_FOUND', `there is no directory '${above}' to make '${to}' in`);
    }
    case 'directory':
      return namesContents(source.path) ? target.path : posix.join(target.path, posix.basename(source.path));
    case 'other':
      if (source.kind === 'directory' || endsAsDirectory(target.path))
        throw new CaissonError('NOT_A_DIRECTORY', `'${to}' is not a directory: nothing can be copied into it`);
      return target.path;
  }
}

/** @throws CaissonError SOURCE_NOT_FOUND */
export function assertThere({ path, kind }: End): void {
  if (kind === 'missing') throw new CaissonError('SOURCE_NOT_FOUND', `there is no '${toText(path)}' to copy`);
}

/** Whether a path means what is in a directory: `x/.`, and what has no name to go by, `/` and `..`. */
export function namesContents(path: RawPath): boolean {
  return ['', '.', '..'].includes(posix.basename(path));
}

/** The directory that what is at a path is in, or would be. */
export function directoryOf(path: RawPath): RawPath {
  return posix.dirname(withoutSlash(path));
}

function withoutSlash(path: RawPath): RawPath {
  return path.replace(/(\/\.?)+$/, '');
}

function endsAsDirectory(path: RawPath): boolean {
  return /\/\.?$/.test(path);
}
