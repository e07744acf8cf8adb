import { openSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as credentials from '../../syscalls/credentials.ts';
import { define } from '../../syscalls/define.ts';
import * as files from '../../syscalls/files.ts';
import * as syscalls from '../../syscalls/index.ts';
import * as mounts from '../../syscalls/mount.ts';
import * as namespaces from '../../syscalls/namespaces.ts';
import * as processes from '../../syscalls/process.ts';
import * as seccomps from '../../syscalls/seccomp.ts';
import * as sockets from '../../syscalls/sockets.ts';
import * as terminals from '../../syscalls/terminal.ts';
import * as xattrs from '../../syscalls/xattrs.ts';

const {
  AT_FDCWD,
  addressOf,
  chdir,
  clone3,
  fcntl,
  formatCall,
  getppid,
  makedev,
  memory,
  mkdirat,
  mknodat,
  mount,
  numberOf,
  O_CLOEXEC,
  O_RDWR,
  openat,
  ppoll,
  prctl,
  read,
  SyscallError,
  symlinkat,
  unshare,
  write,
  variable,
} = syscalls;

/** What JavaScript without types may pass. */
const untyped = (value: unknown) => value as never;

describe('a declaration', () => {
  test('is a function that knows its name, prototype, parameters and numbers', () => {
    expect(unshare).toBeTypeOf('function');
    expect(unshare.syscall).toBe('unshare');
    expect(unshare.prototype).toBe('int unshare(int flags)');
    expect(unshare.parameters.map(({ name }) => name)).toEqual(['flags']);
    expect(unshare.parameters).toBe(unshare.parameters);
    expect(unshare.numbers).toEqual({ x64: 272, arm64: 97 });
  });

  test('parses its prototype at the first use, not at import', () => {
    const broken = define<[]>('int broken(double value)', 1);
    expect(() => broken.parameters).toThrow("unknown C type 'double'");
  });

  test('has one number for both architectures since Linux 5.1', () => {
    expect(clone3.numbers).toEqual({ x64: 435, arm64: 435 });
  });

  test('says so when an architecture lacks the call', () => {
    const fork = define<[]>('pid_t fork(void)', { x64: 57 });
    expect(numberOf(fork, 'x64')).toBe(57);
    expect(() => numberOf(fork, 'arm64')).toThrow(new TypeError('there is no system call fork on arm64'));
  });
});

describe('arguments', () => {
  test.each<[string, () => unknown]>([
    ['unshare takes 1 arguments, got 0', () => unshare(...([] as unknown as [number]))],
    ['flags of unshare must be an integer, got "NEWNS"', () => unshare(untyped('NEWNS'))],
    ['flags of unshare must be an integer, got undefined', () => unshare(untyped(undefined))],
    ['flags of unshare must be an integer, got 1.5', () => unshare(1.5)],
    ['flags of unshare must be an integer, got NaN', () => unshare(Number.NaN)],
    ['flags of unshare must be from -2147483648 to 2147483647, got 2147483648', () => unshare(2 ** 31)],
    ['mode of mkdirat must be from 0 to 4294967295, got -1', () => mkdirat(AT_FDCWD, 'x', -1)],
    ['count of read must be from 0 to 18446744073709551615, got -1', () => read(0, new Uint8Array(1), -1)],
    ['buf of read must be a pointer, got 5', () => read(0, untyped(5), 1)],
    ['count of read must be at most 1, what buf has room for, got 64', () => read(0, Buffer.alloc(1), 64)],
    ['count of read must be at most 1, what buf has room for, got 64', () => read(0, Buffer.alloc(1), untyped(64n))],
    ['count of read must be at most 0, what buf has room for, got 1', () => read(0, Buffer.alloc(8).subarray(8), 1)],
    ['count of write must be at most 4, what buf has room for, got 5', () => write(-1, 'box', 5)],
    ['nfds of ppoll must be at most 1, what fds has room for, got 2', () => ppoll(Buffer.alloc(15), 2, null, null, 8)],
    ['size of clone3 must be at most 8, what cl_args has room for, got 88', () => clone3(memory(Buffer.alloc(8)), 88)],
    ['path of chdir must be a pointer, got undefined', () => chdir(untyped(undefined))],
    ['path of chdir must not contain a NUL character, got "/tmp\\u0000/x"', () => chdir('/tmp\0/x')],
    ['path of chdir must end with a NUL and have no other', () => chdir(Buffer.from('/tmp'))],
    ['path of chdir must end with a NUL and have no other', () => chdir(Buffer.from('/tmp\0/x\0'))],
    ['path of chdir must end with a NUL and have no other', () => chdir(new Uint8Array(0))],
  ])('are refused before the kernel sees them: %s', (message, call) => {
    expect(call).toThrow(new TypeError(message));
  });

  test('of a step are checked like those of a call', () => {
    expect(() => unshare.step('leaving', [2 ** 31])).toThrow(TypeError);
    expect(() => read.step('reading', [0, Buffer.alloc(1), 2])).toThrow(TypeError);
    read.step('reading', [0, Buffer.alloc(1), variable('length')]);
    read.step('reading', [0, variable('buffer'), 2]);
  });

  test('of a step may be variables, which a call made now refuses', () => {
    const flags = variable('flags');
    expect(unshare.step('leaving', [flags])).toMatchObject({ kind: 'call', args: [flags], purpose: 'leaving' });
    expect(() => unshare(untyped(flags))).toThrow('a variable of a plan has no value in a direct call');
  });
});

describe('a failed call', () => {
  test("throws a SyscallError in the shape of Node's own", () => {
    const path = '/nonexistent/file';
    const ours = errorOf(() => openat(AT_FDCWD, path, O_RDWR, 0));
    const nodes = errorOf(() => openSync(path, 'r+'));
    expect(ours).toBeInstanceOf(SyscallError);
    expect(ours).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'openat', path });
    expect(Object.keys(ours).filter((key) => key !== 'name')).toEqual(expect.arrayContaining(Object.keys(nodes)));
    expect(ours.message).toBe(nodes.message.replace(', open ', ', openat '));
    expect('dest' in ours).toBe(false);
  });

  test('names both files of a call that has two', () => {
    const error = errorOf(() => symlinkat('target', AT_FDCWD, '/nonexistent/link'));
    expect(error).toMatchObject({ code: 'ENOENT', path: 'target', dest: '/nonexistent/link' });
  });

  test('names a file that was given as raw bytes', () => {
    expect(errorOf(() => chdir(Buffer.from('/nonexistent\0')))).toMatchObject({ path: '/nonexistent' });
  });
});

describe('formatCall', () => {
  test.each<[string, string]>([
    [
      'mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV, NULL)',
      formatCall(mount, ['proc', '/proc', 'proc', syscalls.MS_NOSUID | syscalls.MS_NODEV, null]),
    ],
    ['openat(AT_FDCWD, "x", O_RDWR|O_CLOEXEC, 0644)', formatCall(openat, [AT_FDCWD, 'x', O_RDWR | O_CLOEXEC, 0o644])],
    ['openat(5, "x", O_RDONLY, 0000)', formatCall(openat, [5, 'x', 0, 0])],
    [
      'mknodat(5, "null", S_IFCHR|0666, 259)',
      formatCall(mknodat, [5, 'null', syscalls.S_IFCHR | 0o666, makedev(1, 3)]),
    ],
    ['prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)', formatCall(prctl, [syscalls.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0])],
    ['kill(1, SIGTERM)', formatCall(syscalls.kill, [1, 15])],
    // A realtime signal is not SIGHUP|SIGINT and so on: a value of its own, not bits.
    ['kill(1, 35)', formatCall(syscalls.kill, [1, 35])],
    ['unshare(0)', formatCall(unshare, [0])],
    ['unshare(CLONE_NEWNS|4096)', formatCall(unshare, [syscalls.CLONE_NEWNS | 0x1000])],
    ['fcntl(fd, F_SETFD, 0)', formatCall(fcntl, [variable('fd'), syscalls.F_SETFD, 0])],
    ['read(0, &cell, 8)', formatCall(read, [0, addressOf(variable('cell')), 8])],
    ['read(0, <3 bytes>, 3)', formatCall(read, [0, new Uint8Array(3), 3])],
  ])('prints %s', (expected, formatted) => {
    expect(formatted).toBe(expected);
  });
});

describe('the entry', () => {
  const families = { ...namespaces, ...mounts, ...files, ...xattrs, ...processes, ...credentials };

  test('exports all of every family', () => {
    const all = { ...families, ...seccomps, ...sockets, ...terminals };
    expect(Object.keys(all).filter((name) => !(name in syscalls))).toEqual([]);
  });

  test('exports calls under their own names, all of them on both architectures', () => {
    const calls = Object.entries(syscalls).filter(([, value]) => typeof value === 'function' && 'syscall' in value);
    expect(calls.length).toBeGreaterThan(90);
    for (const [name, call] of calls as [string, typeof getppid][]) {
      expect(call.syscall).toBe(name);
      expect(Object.keys(call.numbers)).toEqual(['x64', 'arm64']);
      expect(call.parameters.length).toBeLessThanOrEqual(6);
      const named = Object.keys(call.flags).filter((flag) => !call.parameters.some((each) => each.name === flag));
      expect(named).toEqual([]);
    }
  });
});

function errorOf(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('the call did not fail');
}
