/** An open file of a container. */
import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { close } from '../../syscalls/index.ts';
import { type Content, type ContentOptions, readContent, writeContent } from './content.ts';
import type { Session } from './session.ts';
import { statDescriptor } from './stat.ts';

/** What of node:fs/promises' `FileHandle` a file of a container has: all that needs no more than its descriptor. */
export type ContainerFileHandle = Pick<
  FileHandle,
  | 'fd'
  | 'read'
  | 'write'
  | 'readFile'
  | 'writeFile'
  | 'appendFile'
  | 'stat'
  | 'truncate'
  | 'utimes'
  | 'sync'
  | 'datasync'
  | 'createReadStream'
  | 'createWriteStream'
  | 'close'
> &
  AsyncDisposable;

/** Takes ownership of a descriptor. Options that are text are an encoding, as in node:fs. */
export function openHandle(ids: Pick<Session, 'uids' | 'gids'>, descriptor: number): ContainerFileHandle {
  return new Handle(ids, descriptor) as unknown as ContainerFileHandle;
}

/** Whether this is a handle of ours. */
export function isHandle(value: unknown): value is ContainerFileHandle {
  return value instanceof Handle;
}

class Handle {
  readonly #ids: Pick<Session, 'uids' | 'gids'>;
  #descriptor: number;
  #closing: Promise<void> | undefined;

  constructor(ids: Pick<Session, 'uids' | 'gids'>, descriptor: number) {
    this.#ids = ids;
    this.#descriptor = descriptor;
  }

  /** -1 when it is closed, as Node's: every use is EBADF then. */
  get fd(): number {
    return this.#descriptor;
  }

  read(...args: unknown[]) {
    const [buffer] = args;
    const isOptions = !ArrayBuffer.isView(buffer);
    const options = (isOptions ? buffer : undefined) as { buffer?: Buffer } | undefined;
    const given = isOptions ? [options?.buffer ?? Buffer.alloc(16_384), options ?? {}] : args;
    return (promisify(fs.read) as (...args: unknown[]) => unknown)(this.fd, ...given);
  }

  write(...args: unknown[]) {
    return (promisify(fs.write) as (...args: unknown[]) => unknown)(this.fd, ...args);
  }

  readFile(options?: ContentOptions | BufferEncoding | null) {
    return readContent(this.fd, contentOptions(options));
  }

  writeFile(data: Content, options?: ContentOptions | BufferEncoding | null) {
    return writeContent(this.fd, data, contentOptions(options));
  }

  appendFile(data: Content, options?: ContentOptions | BufferEncoding | null) {
    return writeContent(this.fd, data, contentOptions(options));
  }

  async stat({ bigint = false }: { bigint?: boolean } = {}) {
    return statDescriptor(this.#ids, this.fd, bigint);
  }

  truncate(length = 0) {
    return promisify(fs.ftruncate)(this.fd, length);
  }

  utimes(atime: fs.TimeLike, mtime: fs.TimeLike) {
    return promisify(fs.futimes)(this.fd, atime, mtime);
  }

  sync() {
    return promisify(fs.fsync)(this.fd);
  }

  datasync() {
    return promisify(fs.fdatasync)(this.fd);
  }

  createReadStream(options: object = {}) {
    return fs.createReadStream('', {
      ...options,
      fd: this.fd,
      fs: { read: fs.read, close: this.#closeCallback },
    } as never);
  }

  createWriteStream(options: object = {}) {
    const { write, writev } = fs;
    return fs.createWriteStream('', {
      ...options,
      fd: this.fd,
      fs: { write, writev, close: this.#closeCallback },
    } as never);
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      const descriptor = this.#descriptor;
      this.#descriptor = -1;
      this.#closing = Promise.resolve().then(() => void close(descriptor));
    }
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A stream closes the handle, and not a descriptor that is another file's by then. */
  readonly #closeCallback = (_descriptor: number, done: (error?: Error | null) => void) => {
    this.close().then(() => done(null), done);
  };
}

/** Options that may be an encoding alone. */
export function contentOptions(options: ContentOptions | string | null | undefined): ContentOptions {
  return typeof options === 'string' ? { encoding: options as BufferEncoding } : (options ?? {});
}
