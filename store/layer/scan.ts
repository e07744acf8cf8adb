/**
 * Looks at what lies on the disk, to write it into a layer: one open directory at a time, names relative to it, and no
 * symbolic link followed. Names are bytes as latin1 text, one character each.
 */
import { type BigIntStats, fstatSync, lstatSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import {
  close,
  getdents64,
  hasCode,
  lgetxattr,
  llistxattr,
  lseek,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  openat,
  readlinkat,
  SEEK_SET,
  XATTR_LIST_MAX,
  XATTR_SIZE_MAX,
} from '../../syscalls/index.ts';
import { attemptAsOwner, callAsOwner } from '../ids/index.ts';
import { neutralCapability } from './capability.ts';
import { toBytes } from './tree.ts';

/** The names in an open directory, in the order of their bytes. */
export function listNames(directory: number): string[] {
  try {
    return readdirSync(`/proc/self/fd/${directory}`, 'latin1').sort();
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
    return readNames(directory).sort();
  }
}

/** What is at a name of an open directory (`.` is the directory itself); undefined when there is nothing. */
export function statAt(directory: number, name: string): BigIntStats | undefined {
  try {
    return lstatSync(pathAt(directory, name), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
    return statForeign(directory, name);
  }
}

/** The target of a symbolic link. */
export function linkAt(directory: number, name: string): Buffer {
  try {
    return readlinkSync(pathAt(directory, name), 'buffer');
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
    return Buffer.from(value.subarray(0, callAsOwner(readlinkat, directory, toBytes(name), value, value.length)));
  }
}

const list = Buffer.alloc(XATTR_LIST_MAX);
const value = Buffer.alloc(XATTR_SIZE_MAX);

/** The extended attributes of what is at a name of an open directory, in the order of their names. */
export function attributesAt(directory: number, name: string): Map<string, Buffer> {
  const path = Buffer.concat([pathAt(directory, name), NUL]);
  const attributes = new Map<string, Buffer>();
  const length = attemptAsOwner(llistxattr, path, list, list.length);
  if (length <= 0) return attributes;
  for (const attribute of list
    .toString('utf8', 0, length - 1)
    .split('\0')
    .sort()) {
    const found = readAttribute(path, attribute);
    if (found !== undefined) attributes.set(attribute, found);
  }
  return attributes;
}

/** One extended attribute of what is at a name of an open directory. */
export function attributeAt(directory: number, name: string, attribute: string): Buffer | undefined {
  return readAttribute(Buffer.concat([pathAt(directory, name), NUL]), attribute);
}

function readAttribute(path: Buffer, attribute: string): Buffer | undefined {
  const length = attemptAsOwner(lgetxattr, path, attribute, value, value.length);
  if (length < 0) return undefined;
  const bytes = Buffer.from(value.subarray(0, length));
  return attribute === 'security.capability' ? neutralCapability(bytes) : bytes;
}

/** Opens a file to read it; undefined when it is gone or has become something else. */
export function openFileAt(directory: number, name: string): { fd: number; stats: BigIntStats } | undefined {
  let fd: number;
  try {
    // Not to wait for whoever writes to a FIFO that has taken its place.
    fd = callAsOwner(openat, directory, toBytes(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ELOOP', 'ENXIO')) return undefined;
    throw error;
  }
  const stats = fstatSync(fd, { bigint: true });
  if (stats.isFile()) return { fd, stats };
  close(fd);
  return undefined;
}

const PIECE_BYTES = 512 * 1024;

/** The first `size` bytes of an open file; where it has become shorter, zeros take their place. */
export function* readPieces(fd: number, size: number): Generator<Buffer> {
  for (let at = 0; at < size; ) {
    const piece = Buffer.allocUnsafe(Math.min(size - at, PIECE_BYTES));
    const length = readSync(fd, piece, 0, piece.length, at);
    yield length === 0 ? piece.fill(0) : piece.subarray(0, length);
    at += length === 0 ? piece.length : length;
  }
}

/** What is in a directory that is open and yet closed to this user: a subordinate id's. */
function readNames(directory: number): string[] {
  lseek(directory, 0, SEEK_SET);
  const names: string[] = [];
  for (let length = readEntries(directory); length > 0; length = readEntries(directory)) {
    // struct linux_dirent64: d_ino, d_off, d_reclen, d_type, d_name (man 2 getdents64).
    for (let at = 0; at < length; at += value.readUInt16LE(at + 16)) {
      names.push(value.toString('latin1', at + 19, value.indexOf(0, at + 19)));
    }
  }
  return names.filter((name) => name !== '.' && name !== '..');
}

function readEntries(directory: number): number {
  return getdents64(directory, value, value.length);
}

function statForeign(directory: number, name: string): BigIntStats | undefined {
  try {
    const fd = callAsOwner(openat, directory, toBytes(name), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    try {
      return fstatSync(fd, { bigint: true });
    } finally {
      close(fd);
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function pathAt(directory: number, name: string): Buffer {
  return Buffer.from(`/proc/self/fd/${directory}/${name}`, 'latin1');
}

const NUL = Buffer.alloc(1);
