/** What lies on the disk as an entry of an archive. */
import type { BigIntStats } from 'node:fs';
import { CaissonError, close, hasCode } from '../../syscalls/index.ts';
import { isForeignAttribute, type Losses } from './attributes.ts';
import type { OutgoingEntry } from './encode.ts';
import { assertWhole } from './overlay.ts';
import type { EntryType } from './read.ts';
import { attributesAt, linkAt, openFileAt, readPieces } from './scan.ts';

/** How to read a tree. */
export interface WalkOptions {
  /**
   * The owner that is written, by the one on the disk: who has mapped the ids of a container maps them back.
   * @default the same
   */
  readonly owner?: ((uid: number, gid: number) => readonly [uid: number, gid: number]) | undefined;
  /** Collects what is left out. */
  readonly losses?: Losses | undefined;
  /** Stops the walk; its reason is the error. */
  readonly signal?: AbortSignal | undefined;
  /** Directories that are seen beneath what the tree has at a path, by that path: without a slash at either end. */
  readonly below?: ReadonlyMap<string, string> | undefined;
}

/** More directories in one another are an attack on whoever reads the layer. */
export const MAX_DEPTH = 512;

/** Something in an open directory. */
export interface Place {
  readonly directory: number;
  /** In the directory, bytes as latin1 text. */
  readonly name: string;
  /** In the tree, bytes as latin1 text. */
  readonly path: string;
  readonly stats: BigIntStats;
}

/** The kind of what is no hard link; undefined for a socket, which no archive holds. */
export function typeOf(stats: BigIntStats): EntryType | undefined {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'character-device';
  if (stats.isBlockDevice()) return 'block-device';
  return stats.isFIFO() ? 'fifo' : undefined;
}

/** The entry of a file, which is open until the next is asked for; none when it is gone. */
export function* describeFile(place: Place, options: WalkOptions): Generator<OutgoingEntry, void, void> {
  const opened = open(place);
  if (opened === undefined) return;
  const { fd, stats } = opened;
  try {
    const size = Number(stats.size);
    yield { ...describeOther({ ...place, stats }, 'file', options), size, content: () => readPieces(fd, size) };
  } finally {
    close(fd);
  }
}

function open({ directory, name, path }: Place) {
  try {
    return openFileAt(directory, name);
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
    throw new CaissonError('LAYER_NOT_PACKED', `'${path}' cannot be read`, { cause: error });
  }
}

/** The entry of something that has no content. */
export function describeOther({ directory, name, path, stats }: Place, type: EntryType, options: WalkOptions) {
  const { owner = (...ids: [number, number]) => ids } = options;
  const [uid, gid] = owner(Number(stats.uid), Number(stats.gid));
  const entry: OutgoingEntry = {
    type,
    name: Buffer.from(path, 'latin1'),
    linkName: type === 'symlink' ? linkAt(directory, name) : EMPTY,
    mode: Number(stats.mode) & 0o7777,
    uid,
    gid,
    size: 0,
    mtimeNs: stats.mtimeNs,
    major: major(stats.rdev),
    minor: minor(stats.rdev),
    xattrs: type === 'hardlink' ? new Map() : portable(attributesAt(directory, name), path, options),
    content: () => [],
  };
  return entry;
}

const EMPTY = Buffer.alloc(0);

/** Attributes that mean something elsewhere. */
function portable(attributes: Map<string, Buffer>, path: string, { losses }: WalkOptions): Map<string, Buffer> {
  assertWhole(attributes, path);
  for (const name of attributes.keys()) {
    // Of a key with '=' in it, readers take what is before.
    if (name.includes('=')) losses?.add(`attributes '${name}' left out: an archive cannot hold their name`);
    else if (!isForeignAttribute(name)) continue;
    attributes.delete(name);
  }
  return attributes;
}

/** include/linux/kdev_t.h, `new_decode_dev`. */
function major(device: bigint): number {
  return Number((device >> 8n) & 0xfffn);
}

function minor(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xf_ff00n));
}
