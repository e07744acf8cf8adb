/** `container.fs`: the files of a container, in the shape of node:fs/promises. */
import fs, {
  type createReadStream,
  type createWriteStream,
  type Mode,
  type PathLike,
  type ReadStream,
  type WriteStream,
} from 'node:fs';
import type * as promises from 'node:fs/promises';
import { posix } from 'node:path';
import { inspect } from 'node:util';
import { close } from '../../syscalls/index.ts';
import type { Access } from './access.ts';
import {
  chmod,
  chown,
  lchown,
  link,
  lutimes,
  mkdir,
  mkdirAll,
  mkdtemp,
  rename,
  rmdir,
  symlink,
  unlink,
  utimes,
} from './change.ts';
import { type Content, type ContentOptions, copyContent, readContent, writeContent } from './content.ts';
import { readdir } from './directory.ts';
import { asked } from './error.ts';
import { parseFlags, parseMode, UMASK } from './flags.ts';
import { type ContainerFileHandle, contentOptions, isHandle, openHandle } from './handle.ts';
import { encodePath, toRawPath } from './path.ts';
import { type RmOptions, rm } from './remove.ts';
import { openInContainer, type Session } from './session.ts';
import { access, lstat, readlink, realpath, stat } from './stat.ts';

/** What `container.fs` has of node:fs/promises, with Node's own types. */
type Shared =
  | 'access'
  | 'appendFile'
  | 'chmod'
  | 'chown'
  | 'copyFile'
  | 'lchown'
  | 'link'
  | 'lstat'
  | 'lutimes'
  | 'mkdir'
  | 'mkdtemp'
  | 'readFile'
  | 'readdir'
  | 'readlink'
  | 'realpath'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'stat'
  | 'symlink'
  | 'truncate'
  | 'unlink'
  | 'utimes'
  | 'writeFile';

/**
 * The files of a container, in the shape of node:fs/promises: the same options, results and errors. It acts as the
 * container's root, with the container's ids, and sees what processes in there see. Paths that do not begin with a slash
 * are taken from `/`.
 *
 * It works on containers that run, and on those that do not, if their changes are kept on disk. Links of the container
 * lead nowhere outside of it. Only files and directories are opened: a FIFO or socket is ENXIO, a device EACCES.
 *
 * @example
 * await container.fs.writeFile('/etc/motd', 'hello');
 * for (const name of await container.fs.readdir('/etc')) console.log(name);
 */
export interface ContainerFiles extends Pick<typeof promises, Shared> {
  /** Opens a file. Whoever opened it closes it; it can be used after the container's end. */
  open(path: PathLike, flags?: string | number, mode?: Mode): Promise<ContainerFileHandle>;
  /** A stream of a file's content; it opens the file. Options as node:fs's. */
  createReadStream(path: PathLike, options?: Parameters<typeof createReadStream>[1]): ReadStream;
  /** A stream into a file; it opens the file. Options as node:fs's. */
  createWriteStream(path: PathLike, options?: Parameters<typeof createWriteStream>[1]): WriteStream;
}

/**
 * The files of a container. Nothing is done before the first call.
 * @param name what it is called, for who looks at the object
 */
export function containerFiles(container: Access, name: () => string): ContainerFiles {
  const use = <T>(task: (session: Session) => Promise<T>) => container.use(task);

  /** Opens what node:fs/promises takes as a file: a path, or a handle, which then stays open. */
  async function withDescriptor<T>(
    file: PathLike | ContainerFileHandle,
    how: { flags: number; mode?: number },
    task: (descriptor: number) => Promise<T>,
  ): Promise<T> {
    if (isHandle(file)) return task(file.fd);
    const path = toRawPath(file as PathLike);
    const descriptor = await use((session) => openInContainer(session, path, how));
    try {
      return await task(descriptor);
    } finally {
      close(descriptor);
    }
  }

  async function write(file: PathLike, data: Content, options: WriteOptions | string | null, flag: string) {
    const given = contentOptions(options) as WriteOptions;
    given.signal?.throwIfAborted();
    const how = { flags: parseFlags(given.flag, flag), mode: parseMode(given.mode, 0o666) & ~UMASK };
    await withDescriptor(file, how, (descriptor) => writeContent(descriptor, data, given));
  }

  const open = (path: PathLike, flags?: string | number, mode?: Mode) =>
    use((session) => openFile(session, path, flags, mode));

  const files = {
    [inspect.custom]: () => `ContainerFiles(${name()})`,

    access: async (path: PathLike, mode = 0) => use((session) => access(session, toRawPath(path), mode)),
    chmod: async (path: PathLike, mode: Mode) => use((session) => chmod(session, toRawPath(path), parseMode(mode, 0))),
    chown: async (path: PathLike, uid: number, gid: number) =>
      use((session) => chown(session, toRawPath(path), toId(uid), toId(gid))),
    lchown: async (path: PathLike, uid: number, gid: number) =>
      use((session) => lchown(session, toRawPath(path), toId(uid), toId(gid))),
    link: async (existing: PathLike, path: PathLike) =>
      use((session) => link(session, toRawPath(existing), toRawPath(path))),
    lutimes: async (path: PathLike, atime: fs.TimeLike, mtime: fs.TimeLike) =>
      use((session) => lutimes(session, toRawPath(path), atime, mtime)),
    utimes: async (path: PathLike, atime: fs.TimeLike, mtime: fs.TimeLike) =>
      use((session) => utimes(session, toRawPath(path), atime, mtime)),
    rename: async (from: PathLike, to: PathLike) => use((session) => rename(session, toRawPath(from), toRawPath(to))),
    rmdir: async (path: PathLike) => use((session) => rmdir(session, toRawPath(path))),
    rm: async (path: PathLike, options?: RmOptions) => use((session) => rm(session, toRawPath(path), options)),
    symlink: async (target: PathLike, path: PathLike) =>
      use((session) => symlink(session, toRawPath(target, 'target'), toRawPath(path))),
    unlink: async (path: PathLike) => use((session) => unlink(session, toRawPath(path))),

    stat: async (path: PathLike, { bigint = false }: { bigint?: boolean } = {}) =>
      use((session) => stat(session, toRawPath(path), bigint)),
    lstat: async (path: PathLike, { bigint = false }: { bigint?: boolean } = {}) =>
      use((session) => lstat(session, toRawPath(path), bigint)),
    readdir: async (path: PathLike, options?: object | string | null) => {
      const given = typeof options === 'string' ? { encoding: options as BufferEncoding } : (options ?? {});
      return use((session) => readdir(session, toRawPath(path), given));
    },
    readlink: async (path: PathLike, options?: object | string | null) =>
      encodePath(await use((session) => readlink(session, toRawPath(path))), options),
    realpath: async (path: PathLike, options?: object | string | null) =>
      encodePath(await use((session) => realpath(session, toRawPath(path))), options),

    mkdir: async (path: PathLike, options?: Mode | { recursive?: boolean; mode?: Mode } | null) => {
      const { recursive = false, mode } = typeof options === 'object' && options !== null ? options : { mode: options };
      const raw = toRawPath(path);
      const [make, where] = recursive ? [mkdirAll, posix.resolve('/', raw)] : [mkdir, raw];
      const made = await use((session) => make(session, where, parseMode(mode, 0o777)));
      return made === undefined ? undefined : encodePath(made, undefined);
    },
    mkdtemp: async (prefix: string, options?: object | string | null) =>
      encodePath(await use((session) => mkdtemp(session, toRawPath(prefix, 'prefix'))), options),

    readFile: async (file: PathLike, options?: ReadOptions | string | null) => {
      const given = contentOptions(options) as ReadOptions;
      given.signal?.throwIfAborted();
      const how = { flags: parseFlags(given.flag) };
      return withDescriptor(file, how, (descriptor) => readContent(descriptor, given));
    },
    writeFile: (file: PathLike, data: Content, options: WriteOptions | string | null = null) =>
      write(file, data, options, 'w'),
    appendFile: (file: PathLike, data: Content, options: WriteOptions | string | null = null) =>
      write(file, data, options, 'a'),
    truncate: (path: PathLike, length = 0) =>
      withDescriptor(path, { flags: parseFlags('r+') }, async (descriptor) => fs.ftruncateSync(descriptor, length)),
    copyFile: async (from: PathLike, to: PathLike, mode = 0) => {
      const question = { syscall: 'copyfile', path: toRawPath(from, 'src'), dest: toRawPath(to, 'dest') };
      const exclusive = (mode & fs.constants.COPYFILE_EXCL) !== 0;
      await asked(
        question,
        withDescriptor(from, { flags: parseFlags('r') }, async (source) => {
          const how = { flags: parseFlags(exclusive ? 'wx' : 'w'), mode: fs.fstatSync(source).mode & 0o777 & ~UMASK };
          await withDescriptor(to, how, (target) => copyContent(source, target));
        }),
      );
    },

    open: (path: PathLike, flags?: string | number, mode?: Mode) =>
      use(async (session) => openHandle(session, await openFile(session, path, flags, mode))),
    createReadStream: (path: PathLike, options?: object | BufferEncoding) => {
      const given = typeof options === 'string' ? { encoding: options } : options;
      return fs.createReadStream(path, {
        ...given,
        fs: { open: callback(open), read: fs.read, close: fs.close },
      } as never);
    },
    createWriteStream: (path: PathLike, options?: object | BufferEncoding) => {
      const given = typeof options === 'string' ? { encoding: options } : options;
      const { write, writev, close, fsync } = fs;
      return fs.createWriteStream(path, {
        ...given,
        fs: { open: callback(open), write, writev, close, fsync },
      } as never);
    },
  };
  return files as unknown as ContainerFiles;
}

async function openFile(session: Session, path: PathLike, flags?: string | number, mode?: Mode): Promise<number> {
  return openInContainer(session, toRawPath(path), { flags: parseFlags(flags), mode: parseMode(mode, 0o666) & ~UMASK });
}

interface ReadOptions extends ContentOptions {
  readonly flag?: string | number;
}

interface WriteOptions extends ReadOptions {
  readonly mode?: Mode;
}

/** For streams, which open their file as node:fs does: with a callback at the end. */
function callback(open: (path: PathLike, flags?: string | number, mode?: Mode) => Promise<number>) {
  return (...args: unknown[]) => {
    const done = args.at(-1) as (error: unknown, descriptor?: number) => void;
    const [path, flags, mode] = args.slice(0, -1) as [PathLike, string | number, Mode];
    open(path, flags, mode).then((descriptor) => done(null, descriptor), done);
  };
}

/** -1 leaves an owner as it is, to node:fs as to the kernel. */
function toId(id: number): number {
  if (Number.isInteger(id) && id >= -1 && id <= 0xffff_ffff) return id >>> 0;
  throw Object.assign(new TypeError(`an id must be an integer from -1 to 4294967295, got ${id}`), {
    code: 'ERR_OUT_OF_RANGE',
  });
}
