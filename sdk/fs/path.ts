/** Paths in a container: bytes, as Linux has them, held as latin1 text so that they can be cut and joined. */
import type { PathLike } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AT_FDCWD } from '../../syscalls/index.ts';

/** A path's bytes as latin1 text: every byte is one character. */
export type RawPath = string;

/** Longer paths are no paths to the kernel (PATH_MAX, with the NUL). */
export const MAX_PATH_BYTES = 4096;

/**
 * A path as a user gives it. Those that do not begin with a slash are taken from the container's root.
 * @throws TypeError with Node's codes for what is no path
 */
export function toRawPath(path: PathLike, what = 'path'): RawPath {
  const plain = path instanceof URL ? fileURLToPath(path) : path;
  if (typeof plain !== 'string' && !(plain instanceof Uint8Array)) {
    const message = `the "${what}" argument must be a string, a Buffer or a URL, got ${typeof plain}`;
    throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  const raw = Buffer.from(plain as string).toString('latin1');
  if (!raw.includes('\0')) return raw;
  throw Object.assign(new TypeError(`the "${what}" argument must not contain a NUL`), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
}

/** A path for a system call: bytes and the NUL that ends them. */
export function toBytes(raw: RawPath): Buffer {
  return Buffer.from(`${raw}\0`, 'latin1');
}

/** A path to be read by people, or given to a program that takes text. */
export function toText(raw: RawPath): string {
  return Buffer.from(raw, 'latin1').toString('utf8');
}

/** A path as a caller's `encoding` option asks for it, which may be the option alone. */
export function encodePath(raw: RawPath, options: unknown): string | Buffer {
  const encoding = typeof options === 'string' ? options : (options as Encoded | null | undefined)?.encoding;
  const bytes = Buffer.from(raw, 'latin1');
  return encoding === 'buffer' ? bytes : bytes.toString((encoding ?? 'utf8') as BufferEncoding);
}

interface Encoded {
  readonly encoding?: string | null;
}

/** Where an agent takes paths from: its working directory, which is the container's root. */
export const ROOT = AT_FDCWD;
