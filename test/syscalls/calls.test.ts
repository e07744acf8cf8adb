/** Calls made now, on the real kernel. */
import { execFileSync } from 'node:child_process';
import { fstatSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import * as linux from '../../syscalls/index.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const { AT_FDCWD, O_CLOEXEC, O_RDONLY, O_RDWR } = linux;

test('getppid and getpid say what Node says', () => {
  expect([linux.getppid(), linux.getpid()]).toEqual([process.ppid, process.pid]);
});

test('memfd_create makes a file that write fills and read reads', (context) => {
  const fd = memoryFile(context, 'hello');
  const bytes = new Uint8Array(16);
  expect(linux.read(fd, bytes, bytes.length)).toBe(5);
  expect(Buffer.from(bytes.subarray(0, 5)).toString()).toBe('hello');
});

test('a sealed memfd cannot be written', (context) => {
  const fd = closed(context, linux.memfd_create('test', linux.MFD_CLOEXEC | linux.MFD_ALLOW_SEALING));
  linux.fcntl(fd, linux.F_ADD_SEALS, linux.F_SEAL_WRITE | linux.F_SEAL_SEAL);
  expect(linux.fcntl(fd, linux.F_GET_SEALS, 0)).toBe(linux.F_SEAL_WRITE | linux.F_SEAL_SEAL);
  expect(() => linux.write(fd, 'x', 1)).toThrow(expect.objectContaining({ code: 'EPERM', syscall: 'write' }));
});

test("openat2 with RESOLVE_BENEATH opens what is below and refuses '..'", (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, 'file'), '');
  const root = closed(context, linux.openat(AT_FDCWD, directory, linux.O_PATH | O_CLOEXEC, 0));
  const how = linux.OPEN_HOW.encode({ flags: O_RDONLY | O_CLOEXEC, resolve: linux.RESOLVE_BENEATH });
  closed(context, linux.openat2(root, 'file', how, linux.OPEN_HOW.size));
  expect(() => linux.openat2(root, '../file', how, linux.OPEN_HOW.size)).toThrow(
    expect.objectContaining({ code: 'EXDEV', syscall: 'openat2', path: '../file' }),
  );
});

test('openat takes a name that is no UTF-8, as bytes', (context) => {
  const directory = temporaryDirectory(context);
  const path = Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff, 0xfe)]);
  writeFileSync(path, 'raw');
  const fd = closed(context, linux.openat(AT_FDCWD, Buffer.concat([path, Buffer.of(0)]), O_RDONLY | O_CLOEXEC, 0));
  expect(fstatSync(fd).size).toBe(3);
});

test('pipe2 makes a pipe, and ppoll says when it can be read', (context) => {
  const [readEnd, writeEnd] = descriptors(context, (pair) => linux.pipe2(pair, O_CLOEXEC));
  const request = linux.POLLFD.encode({ fd: readEnd, events: linux.POLLIN });
  const now = linux.TIMESPEC.encode({});
  expect(linux.ppoll(request, 1, now, null, 0)).toBe(0);
  linux.write(writeEnd, 'x', 1);
  expect(linux.ppoll(request, 1, now, null, 0)).toBe(1);
  expect(linux.POLLFD.decode(request.bytes).revents).toBe(linux.POLLIN);
});

test('flock refuses a second lock until the first descriptor is closed', (context) => {
  const file = join(temporaryDirectory(context), 'lock');
  writeFileSync(file, '');
  const first = linux.openat(AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
  const second = closed(context, linux.openat(AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0));
  linux.flock(first, linux.LOCK_EX);
  expect(() => linux.flock(second, linux.LOCK_EX | linux.LOCK_NB)).toThrow(expect.objectContaining({ code: 'EAGAIN' }));
  linux.close(first);
  expect(linux.flock(second, linux.LOCK_EX | linux.LOCK_NB)).toBe(0);
});

test('extended attributes are set, listed, read and removed, by path and by descriptor', (context) => {
  const file = join(temporaryDirectory(context), 'file');
  writeFileSync(file, '');
  const value = Buffer.of(1, 0, 255);
  requires(
    context,
    attempt(() => linux.setxattr(file, 'user.test', value, 3, linux.XATTR_CREATE)),
    'user.* on /tmp',
  );
  expect(() => linux.setxattr(file, 'user.test', value, 3, linux.XATTR_CREATE)).toThrow('EEXIST');

  const names = new Uint8Array(linux.listxattr(file, null, 0));
  linux.llistxattr(file, names, names.length);
  expect(Buffer.from(names).toString()).toContain('user.test\0');

  const fd = closed(context, linux.openat(AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0));
  const found = new Uint8Array(16);
  expect(linux.fgetxattr(fd, 'user.test', found, found.length)).toBe(3);
  expect(found.subarray(0, 3)).toEqual(Uint8Array.from(value));

  linux.lremovexattr(file, 'user.test');
  expect(() => linux.getxattr(file, 'user.test', null, 0)).toThrow('ENODATA');
});

test('lseek finds the data behind a hole', (context) => {
  const fd = closed(context, linux.memfd_create('sparse', linux.MFD_CLOEXEC));
  linux.ftruncate(fd, 2 ** 20);
  linux.lseek(fd, 2 ** 19, linux.SEEK_SET);
  linux.write(fd, 'x', 1);
  expect(linux.lseek(fd, 0, linux.SEEK_DATA)).toBe(2 ** 19);
});

test('renameat2 with RENAME_NOREPLACE keeps what is there', (context) => {
  const directory = temporaryDirectory(context);
  for (const name of ['a', 'b']) writeFileSync(join(directory, name), name);
  const dirfd = closed(context, linux.openat(AT_FDCWD, directory, linux.O_PATH | O_CLOEXEC, 0));
  expect(() => linux.renameat2(dirfd, 'a', dirfd, 'b', linux.RENAME_NOREPLACE)).toThrow(
    expect.objectContaining({ code: 'EEXIST', path: 'a', dest: 'b' }),
  );
  linux.renameat2(dirfd, 'a', dirfd, 'c', linux.RENAME_NOREPLACE);
  expect(statSync(join(directory, 'c')).size).toBe(1);
});

test('statfs knows /proc by its magic number', () => {
  const buffer = new Uint8Array(linux.STATFS.size);
  linux.statfs('/proc', buffer);
  expect(linux.STATFS.decode(buffer).f_type).toBe(BigInt(linux.PROC_SUPER_MAGIC));
});

test('a pidfd of this process takes signal 0, and one of no process cannot be had', (context) => {
  const pidfd = closed(context, linux.pidfd_open(process.pid, 0));
  expect(linux.pidfd_send_signal(pidfd, 0, null, 0)).toBe(0);
  expect(() => linux.pidfd_open(2 ** 22 + 1, 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }));
});

test('prctl takes text and buffers where an operation wants them', (context) => {
  const name = new Uint8Array(16);
  linux.prctl(linux.PR_GET_NAME, name, 0, 0, 0);
  context.onTestFinished(() => void linux.prctl(linux.PR_SET_NAME, name, 0, 0, 0));
  linux.prctl(linux.PR_SET_NAME, 'caisson', 0, 0, 0);
  const changed = new Uint8Array(16);
  linux.prctl(linux.PR_GET_NAME, changed, 0, 0, 0);
  expect(Buffer.from(changed).toString()).toMatch(/^caisson\0/);
});

test('mmap gives memory that mprotect and munmap take back', () => {
  const { PROT_NONE, PROT_READ, PROT_WRITE, MAP_ANONYMOUS, MAP_PRIVATE } = linux;
  const address = BigInt(linux.mmap(null, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  linux.mprotect(address, 4096, PROT_NONE);
  expect(linux.munmap(address, 4096)).toBe(0);
});

test('a pty is opened from /dev/ptmx, without a path for its other end', (context) => {
  const master = closed(context, linux.openat(AT_FDCWD, '/dev/ptmx', O_RDWR | linux.O_NOCTTY | O_CLOEXEC, 0));
  linux.ioctl(master, linux.TIOCSPTLCK, new Uint8Array(4));
  const flags = BigInt(O_RDWR | linux.O_NOCTTY | O_CLOEXEC);
  const terminal = closed(context, linux.ioctl(master, linux.TIOCGPTPEER, flags));
  linux.ioctl(master, linux.TIOCSWINSZ, linux.WINSIZE.encode({ ws_row: 24, ws_col: 80 }));
  const size = new Uint8Array(linux.WINSIZE.size);
  linux.ioctl(terminal, linux.TIOCGWINSZ, size);
  expect(linux.WINSIZE.decode(size)).toMatchObject({ ws_row: 24, ws_col: 80 });
});

test('sendmsg and recvmsg pass a descriptor over a socketpair', (context) => {
  const type = linux.SOCK_SEQPACKET | linux.SOCK_CLOEXEC;
  const [left, right] = descriptors(context, (pair) => linux.socketpair(linux.AF_UNIX, type, 0, pair));
  const sent = memoryFile(context, 'passed');

  const data = linux.IOVEC.encode({ iov_base: 'data', iov_len: 4 });
  const rights = { msg_control: linux.encodeRights([sent]), msg_controllen: linux.rightsLength(1) };
  expect(linux.sendmsg(left, linux.MSGHDR.encode({ msg_iov: data, msg_iovlen: 1, ...rights }), 0)).toBe(4);

  const buffer = new Uint8Array(8);
  const control = new Uint8Array(linux.rightsLength(1));
  const room = { msg_control: control, msg_controllen: control.length };
  const into = linux.IOVEC.encode({ iov_base: buffer, iov_len: buffer.length });
  const message = linux.MSGHDR.encode({ msg_iov: into, msg_iovlen: 1, ...room });
  expect(linux.recvmsg(right, message, linux.MSG_CMSG_CLOEXEC)).toBe(4);

  expect(Buffer.from(buffer).toString()).toBe('data\0\0\0\0');
  const received = linux.decodeRights(control).map((fd) => closed(context, fd));
  expect(received.map((fd) => fstatSync(fd).ino)).toEqual([fstatSync(sent).ino]);
  expect(received).not.toContain(sent);
});

test('capget reads the sets that /proc tells', () => {
  const header = linux.USER_CAP_HEADER.encode({ version: linux._LINUX_CAPABILITY_VERSION_3, pid: 0 });
  const data = new Uint8Array(2 * linux.USER_CAP_DATA.size);
  linux.capget(header, data);
  const status = execFileSync('sed', ['-n', 's/^CapEff:\\s*//p', `/proc/${process.pid}/status`], { encoding: 'utf8' });
  const [low, high] = [linux.USER_CAP_DATA.decode(data), linux.USER_CAP_DATA.decode(data, linux.USER_CAP_DATA.size)];
  expect((BigInt(high.effective) << 32n) | BigInt(low.effective)).toBe(BigInt(`0x${status.trim()}`));
});

test('unshare and sethostname in a child process rename the machine for that process alone', (context) => {
  requires(context, process.getuid?.() === 0, 'root');
  const entry = new URL('../../syscalls/index.ts', import.meta.url).href;
  const script = `
    import { hostname } from 'node:os';
    import { CLONE_NEWUTS, sethostname, unshare } from '${entry}';
    unshare(CLONE_NEWUTS);
    sethostname('caisson-test', 12);
    console.log(hostname());`;
  const before = hostname();
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('caisson-test\n');
  expect(hostname()).toBe(before);
});

/** The descriptor, closed after the test. */
function closed(context: TestContext, fd: number): number {
  context.onTestFinished(() => void linux.close(fd));
  return fd;
}

/** The two descriptors that a call writes, closed after the test. */
function descriptors(context: TestContext, write: (pair: Uint8Array) => unknown): [number, number] {
  const pair = new Int32Array(2);
  write(new Uint8Array(pair.buffer));
  return [closed(context, pair[0] as number), closed(context, pair[1] as number)];
}

function memoryFile(context: TestContext, content: string): number {
  const fd = closed(context, linux.memfd_create('test', linux.MFD_CLOEXEC));
  linux.write(fd, content, content.length);
  linux.lseek(fd, 0, linux.SEEK_SET);
  return fd;
}

/** Whether a call that not every file system has succeeds. */
function attempt(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (linux.hasCode(error, 'ENOTSUP', 'EOPNOTSUPP')) return false;
    throw error;
  }
}
