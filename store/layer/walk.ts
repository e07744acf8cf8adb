/** A tree on the disk as entries of an archive. */
import { CaissonError } from '../../syscalls/index.ts';
import { describeFile, describeOther, MAX_DEPTH, type Place, typeOf, type WalkOptions } from './describe.ts';
import type { OutgoingEntry } from './encode.ts';
import { withGrafts } from './graft.ts';
import { enter, leave, lookUp, type MergedDirectory, namesOf, type Seen } from './merged.ts';
import { listNames, statAt } from './scan.ts';
import { joinPath, openDirectory } from './tree.ts';

/** How a directory is looked at. */
export interface View {
  /** The names in it, in the order in which they are written. */
  names(directories: MergedDirectory): string[];
  look(directories: MergedDirectory, name: string): Seen | undefined;
  enter(directories: MergedDirectory, name: string): MergedDirectory;
  /** What is written of a directory before all that is in it. */
  markers?(directories: MergedDirectory, path: string): Iterable<OutgoingEntry>;
  /** Whether something was written by `markers`. */
  isMarker?(seen: Seen, name: string): boolean;
}

/** One directory as it is. */
export const PLAIN: View = {
  names: ([directory = -1]) => listNames(directory),
  look: ([directory = -1], name) => {
    const stats = statAt(directory, name);
    return stats && { directory, stats };
  },
  enter: ([directory = -1], name) => [openDirectory(directory, name)].filter((fd) => fd !== undefined),
};

/** Several directories as overlayfs shows them. */
export const MERGED: View = { names: namesOf, look: lookUp, enter };

/**
 * The entries of a whole tree: a directory before what is in it, and that in the order of the bytes of its names,
 * other directories last. So the same tree gives the same entries.
 *
 * A file's content is to be read before the next entry is asked for. Sockets are left out.
 *
 * @param roots a directory, or several that are seen as overlayfs shows them, the uppermost first; they stay open
 */
export function* treeEntries(
  roots: number | MergedDirectory,
  options: WalkOptions = {},
): Generator<OutgoingEntry, void, void> {
  const directories = typeof roots === 'number' ? [roots] : roots;
  const [top] = directories;
  const stats = top === undefined ? undefined : statAt(top, '.');
  if (top === undefined || stats === undefined) throw new TypeError('a tree has at least one directory');
  yield describeOther({ directory: top, name: '.', path: '.', stats }, 'directory', options);
  const { below = new Map<string, string>() } = options;
  const view = directories.length + below.size === 1 ? PLAIN : MERGED;
  yield* walk(directories, below.size === 0 ? view : withGrafts(view, directories, below), options);
}

/** A directory being read. */
interface Frame {
  readonly path: string;
  readonly directories: MergedDirectory;
  /** The directories in it that are still to be read, the next one last. */
  pending: string[];
}

/** The entries of all that `view` shows below `roots`. */
export function* walk(roots: MergedDirectory, view: View, options: WalkOptions): Generator<OutgoingEntry, void, void> {
  const links = new Map<string, Buffer>();
  const frames: Frame[] = [{ path: '', directories: roots, pending: [] }];
  const close = ({ directories }: Frame) => {
    if (directories !== roots) leave(directories);
  };
  try {
    yield* readDirectory(frames[0] as Frame, view, options, links);
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const name = frame.pending.pop();
      if (name === undefined) {
        frames.pop();
        close(frame);
        continue;
      }
      options.signal?.throwIfAborted();
      const path = joinPath(frame.path, name);
      if (frames.length > MAX_DEPTH) throw tooDeep(path);
      const seen = view.look(frame.directories, name);
      const directories = view.enter(frame.directories, name);
      if (directories.length > 0) frames.push({ path, directories, pending: [] });
      // The tree of a running container may change: it is gone, or a directory no longer.
      if (directories.length === 0 || seen === undefined) continue;
      yield describeOther({ ...seen, name, path }, 'directory', options);
      yield* readDirectory(frames.at(-1) as Frame, view, options, links);
    }
  } finally {
    for (const frame of frames) close(frame);
  }
}

function* readDirectory(
  frame: Frame,
  view: View,
  options: WalkOptions,
  links: Map<string, Buffer>,
): Generator<OutgoingEntry, void, void> {
  const { directories, path } = frame;
  yield* view.markers?.(directories, path) ?? [];
  for (const name of view.names(directories)) {
    const seen = view.look(directories, name);
    if (seen === undefined || view.isMarker?.(seen, name) === true) continue;
    if (seen.stats.isDirectory()) frame.pending.push(name);
    else yield* readPlace({ ...seen, name, path: joinPath(path, name) }, options, links);
  }
  frame.pending.reverse();
}

/** One entry, or none; what was written before under another name becomes a link to it. */
function* readPlace(place: Place, options: WalkOptions, links: Map<string, Buffer>): Generator<OutgoingEntry> {
  const key = `${place.stats.dev}:${place.stats.ino}`;
  const first = place.stats.nlink > 1n ? links.get(key) : undefined;
  if (first !== undefined) {
    yield { ...describeOther(place, 'hardlink', options), linkName: first };
    return;
  }
  const type = typeOf(place.stats);
  if (type === 'file') yield* describeFile(place, options);
  else if (type !== undefined) yield describeOther(place, type, options);
  else options.losses?.add('sockets left out');
  if (type !== undefined && place.stats.nlink > 1n) links.set(key, Buffer.from(place.path, 'latin1'));
}

function tooDeep(path: string): CaissonError {
  const where = `'${path.slice(0, 100)}…' is in more than ${MAX_DEPTH} directories`;
  return new CaissonError('LAYER_NOT_PACKED', `the tree cannot become a layer: ${where}`);
}
