/** Files that are given by their content: made in memory, mounted at their places, and gone with the container's mounts. */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  equal,
  label,
  MOUNT_ATTR_RDONLY,
  memory,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  open_tree,
  openat,
  type Step,
  type Variable,
  variable,
  write,
} from '../../syscalls/index.ts';
import type { SpecMount } from '../spec/spec.ts';
import { setAttributes } from './detached.ts';

/**
 * Where in a container files are made: in the memory of its /dev, in a directory that is hidden afterwards by what is
 * mounted on it. There they keep a name, without which the kernel mounts none.
 */
export const FILES_ROOM = '/dev/pts';

/**
 * Makes a file and opens it as a mount.
 * @param room a directory of memory in this mount namespace, that nobody else can change
 */
export function makeFile({ destination, options, content = '' }: SpecMount, into: Variable, room: string): Step[] {
  const purpose = `making the file for ${destination}`;
  const file = variable(`file of ${into.name}`);
  const path = `${room}/${into.name.replaceAll('/', '-')}`;
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  return [
    openat.step(purpose, [AT_FDCWD, path, flags, modeOf(options)], { into: file }),
    ...writeAll(purpose, content, file),
    open_tree.step(purpose, [file, '', OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH], { into }),
    ...(options.includes('ro') ? [setAttributes(purpose, into, '', MOUNT_ATTR_RDONLY, AT_EMPTY_PATH)] : []),
  ];
}

/** Where there is no room for all of it, there is none for more: that is what the second call says. */
function writeAll(purpose: string, content: string, file: Variable): Step[] {
  if (content === '') return [];
  const bytes = memory(Buffer.from(content, 'latin1'), [], () => JSON.stringify(content.slice(0, 64)));
  const [written, more, done] = [variable('bytes written'), `more of ${file.name}`, `all of ${file.name}`];
  return [
    write.step(purpose, [file, bytes, content.length], { into: written }),
    equal(written, content.length, { next: done }),
    write.step(purpose, [file, bytes, content.length], { label: more, next: more }),
    label(done),
  ];
}

function modeOf(options: readonly string[]): number {
  const mode = options.find((option) => option.startsWith('mode='));
  return Number.parseInt(mode?.slice('mode='.length) ?? '644', 8);
}
