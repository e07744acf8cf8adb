/** Where mounts go: places in the container's root, found or made. The root is `/` and the working directory. */
import {
  AT_FDCWD,
  close,
  makedev,
  mkdirat,
  mknodat,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW,
  openat2,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  S_IFREG,
  type Step,
  type StepOptions,
  type Variable,
  variable,
} from '../../syscalls/index.ts';

/**
 * Opens what is at a path. Symbolic links are followed, inside the root: with AT_FDCWD, RESOLVE_IN_ROOT takes the working
 * directory as that. Those of /proc that are none, and lead anywhere, are not.
 *
 * @param flags of open(2): with O_NOFOLLOW, a link at the end of the path is the place
 * @param resolve further rules for the path
 */
export function openPlace(
  purpose: string,
  path: string,
  into: Variable,
  flags = 0,
  options: StepOptions = {},
  resolve = 0,
): Step {
  const rules = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve;
  const how = OPEN_HOW.encode({ flags: O_PATH | O_CLOEXEC | flags, resolve: rules });
  return openat2.step(purpose, [AT_FDCWD, path, how, OPEN_HOW.size], { into, ...options });
}

/**
 * Makes a place, and the directories that lead to it; what is there is left as it is. Each is made by its name in an open
 * directory: somebody may be changing what is above it.
 */
export function makePlace(purpose: string, path: string, kind: 'file' | 'directory'): Step[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.flatMap((name, index) => {
    const isFile = kind === 'file' && index === parts.length - 1;
    if (index === 0) return [makeEntry(purpose, AT_FDCWD, `/${name}`, isFile)];
    const parent = variable('directory of a place');
    return [
      openPlace(purpose, `/${parts.slice(0, index).join('/')}`, parent, O_DIRECTORY),
      makeEntry(purpose, parent, name, isFile),
      close.step(purpose, [parent]),
    ];
  });
}

/** Makes a directory and those that lead to it, as `mkdir -p`. */
export function makeDirectories(path: string): Step[] {
  return makePlace(`making ${path}`, path, 'directory');
}

function makeEntry(purpose: string, parent: Variable | number, name: string, isFile: boolean): Step {
  const onError = { EEXIST: 'next' };
  return isFile
    ? mknodat.step(purpose, [parent, name, S_IFREG | 0o644, makedev(0, 0)], { onError })
    : mkdirat.step(purpose, [parent, name, 0o755], { onError });
}
