/** Unpacks a layer into a directory, as a lower directory of overlayfs. */
import { fstatSync } from 'node:fs';
import {
  CaissonError,
  close,
  ftruncate,
  hasCode,
  linkat,
  makedev,
  mknodat,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  openat,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  SyscallError,
  symlinkat,
  unlinkat,
} from '../../syscalls/index.ts';
import { writeAll } from '../blobs.ts';
import type { OwnIds } from '../ids/index.ts';
import { type Attributes, applyAttributes, Losses } from './attributes.ts';
import { type LayerLimits, limitExceeded, normalizeLimits } from './limits.ts';
import { type Owners, openOwners } from './owners.ts';
import type { TarEntry } from './read.ts';
import { type Components, type Directory, openTree, splitName, type Tree, toBytes } from './tree.ts';
import { isAufsName, isWhiteout, trackWhiteouts, type Whiteouts } from './whiteouts.ts';

/** What is known while a layer is unpacked. */
interface Unpacking {
  readonly tree: Tree;
  readonly whiteouts: Whiteouts;
  /** Directories get their attributes at the end: before, their times would change and their modes be in the way. */
  readonly directories: Map<string, Attributes>;
  readonly owners: Owners;
  readonly losses: Losses;
  readonly maxDepth: number;
  /** {@link keptBitsIn} */
  readonly keptBits: number;
}

/** Of a directory that the layer does not speak of but puts something into, and of a root it does not speak of. */
const UNSPOKEN: Attributes = { mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n, xattrs: new Map() };

/**
 * Unpacks entries into an empty directory; returns what could not be kept, as sentences.
 *
 * @param ids the owners that can be given; those of root's are kept together with devices and `trusted.*` attributes
 * @throws CaissonError LAYER_INVALID for a name that leads out of the layer, or a link to nothing
 * @throws CaissonError LAYER_LIMIT_EXCEEDED for a name that is too deep
 * @throws CaissonError LAYER_NOT_UNPACKED when the kernel refuses something, which is the `cause`
 */
export async function applyLayer(
  entries: AsyncIterable<TarEntry>,
  path: string,
  ids: OwnIds,
  limits?: LayerLimits,
): Promise<string[]> {
  const tree = openTree(path);
  const losses = new Losses();
  const owners = openOwners(ids, losses, ownerOfNew(tree));
  const whiteouts = trackWhiteouts(tree, owners.isRoot);
  const directories = new Map([['', UNSPOKEN]]);
  const { maxDepth } = normalizeLimits(limits);
  try {
    const unpacking: Unpacking = { tree, whiteouts, directories, owners, losses, maxDepth, keptBits: keptBitsIn(tree) };
    for await (const entry of entries) {
      try {
        const applying = applyEntry(unpacking, entry);
        if (applying !== undefined) await applying;
      } catch (error) {
        throw explain(error, entry);
      }
    }
    whiteouts.finish();
    finishDirectories(unpacking);
    owners.finish();
    return losses.list();
  } finally {
    owners.close();
    tree.close();
  }
}

/**
 * The owner that new files get: this process's, but the group may be the directory's (S_ISGID, or a file system that
 * is mounted with grpid), and then it is not told here unless it is the same.
 */
function ownerOfNew({ root }: Tree): { uid: number; gid: number } | undefined {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  return uid === undefined || gid === undefined || fstatSync(root.fd).gid !== gid ? undefined : { uid, gid };
}

/** At once, but for a file whose content is still to come. */
function applyEntry(unpacking: Unpacking, entry: TarEntry): Promise<void> | undefined {
  const components = splitName(entry.name);
  if (components.length > unpacking.maxDepth) throw tooDeep(components.length, unpacking.maxDepth);
  const name = components.at(-1);
  const above = components.slice(0, -1);
  if (components.some(isAufsName)) {
    unpacking.losses.add('files of aufs left out');
    return undefined;
  }
  if (above.some(isWhiteout)) throw layerInvalid(`'${entry.name.toString()}' is in something that is gone`);
  if (name !== undefined && isWhiteout(name)) {
    unpacking.whiteouts.add(enter(unpacking, above), name);
    return undefined;
  }
  if (entry.type === 'directory') {
    unpacking.directories.set(enter(unpacking, components).path, entry);
    return undefined;
  }
  if (name === undefined) throw layerInvalid(`its root is a ${entry.type}`);
  const parent = enter(unpacking, above);
  if (entry.type === 'file') return applyFile(unpacking, parent, name, entry);
  if (entry.type === 'hardlink') applyHardlink(unpacking, parent, name, entry);
  else applySpecial(unpacking, parent, name, entry);
  return undefined;
}

function enter({ tree, directories, whiteouts }: Unpacking, components: Components): Directory {
  return tree.enter(components, (made) => {
    directories.set(made.path, UNSPOKEN);
    whiteouts.directoryMade(made);
  });
}

function applyFile(unpacking: Unpacking, parent: Directory, name: string, entry: TarEntry): Promise<void> | undefined {
  const { tree, keptBits, owners, losses } = unpacking;
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  // A file that nobody may write takes no attributes from its owner, so that one gets its mode after them.
  const isMadeWithMode = (entry.mode & ~keptBits) === 0 && entry.xattrs.size === 0;
  const mode = isMadeWithMode ? entry.mode : 0o600;
  const fd = replacing(tree, parent, name, () => openat(parent.fd, toBytes(name), flags, mode));
  // Most files are here as a whole, and need no turn of the event loop.
  const content = entry.takeContent();
  if (content === undefined) return applyPieces(unpacking, fd, entry, isMadeWithMode);
  try {
    writeAll(fd, content);
    applyAttributes({ fd }, entry.type, entry, owners, losses, isMadeWithMode);
  } finally {
    close(fd);
  }
  return undefined;
}

/** Closes the file. */
async function applyPieces({ owners, losses }: Unpacking, fd: number, entry: TarEntry, hasMode: boolean) {
  try {
    for await (const { offset, bytes } of entry.content()) writeAll(fd, bytes, offset);
    if (entry.isSparse) ftruncate(fd, entry.size);
    applyAttributes({ fd }, entry.type, entry, owners, losses, hasMode);
  } finally {
    close(fd);
  }
}

/**
 * The bits of modes that new files keep: the umask takes others away, and so may a default ACL of the store (man 5 acl).
 * Where a mode has no others it need not be set again, which would take as long as setting the time.
 */
function keptBitsIn({ root }: Tree): number {
  const name = toBytes('mode');
  const fd = openat(root.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o777);
  try {
    return fstatSync(fd).mode & 0o777;
  } finally {
    close(fd);
    unlinkat(root.fd, name, 0);
  }
}

/** The target is looked for in this layer only, and through no symbolic link. Its attributes came with it. */
function applyHardlink({ tree }: Unpacking, parent: Directory, name: string, entry: TarEntry): void {
  const target = splitName(entry.linkName);
  const directory = tree.open(target.slice(0, -1).join('/'));
  const nothing = layerInvalid(
    `'${entry.name.toString()}' is a link to '${entry.linkName.toString()}', which is no file of it`,
  );
  if (directory === undefined || target.length === 0) throw nothing;
  try {
    replacing(tree, parent, name, () =>
      linkat(directory.fd, toBytes(target.at(-1) ?? ''), parent.fd, toBytes(name), 0),
    );
  } catch (error) {
    throw hasCode(error, 'ENOENT', 'EPERM') ? nothing : error;
  } finally {
    close(directory.fd);
  }
}

function applySpecial({ tree, owners, losses }: Unpacking, parent: Directory, name: string, entry: TarEntry): void {
  const { type, major, minor } = entry;
  const isDevice = type === 'character-device' || type === 'block-device';
  if (isDevice && (!owners.isRoot || (major === 0 && minor === 0))) {
    losses.add(
      owners.isRoot
        ? 'devices 0:0 left out: to overlay, they remove files'
        : 'devices left out: only root can make them',
    );
    return;
  }
  replacing(tree, parent, name, () => {
    if (type === 'symlink') return symlinkat(Buffer.concat([entry.linkName, NUL]), parent.fd, toBytes(name));
    const kind = type === 'fifo' ? S_IFIFO : type === 'block-device' ? S_IFBLK : S_IFCHR;
    return mknodat(parent.fd, toBytes(name), kind | 0o600, type === 'fifo' ? 0 : makedev(major, minor));
  });
  applyAttributes({ directory: parent, name }, type, entry, owners, losses);
}

const NUL = Buffer.alloc(1);

/** Of two entries of one name, the later counts. */
function replacing(tree: Tree, parent: Directory, name: string, make: () => number): number {
  try {
    return make();
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  tree.remove(parent, name);
  return make();
}

/** Deepest first: a directory's time changes with what is in it, and its mode may close it. */
function finishDirectories({ tree, directories, owners, losses }: Unpacking): void {
  for (const path of [...directories.keys()].sort().reverse()) {
    const directory = tree.open(path);
    // It was replaced by something else, later in the archive.
    if (directory === undefined) continue;
    const attributes = directories.get(path) ?? UNSPOKEN;
    // Who is not root can only rename a directory that is his and that he may write to, and this one will be; the '/'
    // that containers see is not this one but their own upper directory.
    const isOurs = path === '' && !owners.isRoot;
    const of = isOurs ? { ...attributes, mode: attributes.mode | 0o700, uid: 0, gid: 0 } : attributes;
    try {
      applyAttributes(directory, 'directory', of, owners, losses);
    } finally {
      close(directory.fd);
    }
  }
}

function tooDeep(depth: number, maxDepth: number): CaissonError {
  return limitExceeded('maxDepth', `a name in it has ${depth} components, more than ${maxDepth}`);
}

function layerInvalid(reason: string): CaissonError {
  return new CaissonError('LAYER_INVALID', `the layer is not valid: ${reason}`);
}

/** A full disk is the store's to explain. */
function explain(error: unknown, { name, type }: TarEntry): unknown {
  if (!(error instanceof SyscallError) || hasCode(error, 'ENOSPC', 'EDQUOT', 'EROFS')) return error;
  const what = `unpacking the ${type} '${name.toString().slice(0, 300)}': ${error.message}`;
  return new CaissonError('LAYER_NOT_UNPACKED', what, { cause: error });
}
