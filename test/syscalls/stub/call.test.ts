/** System calls in a user namespace of other ids, made by this process of many threads. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  callInNamespace,
  fchownat,
  getpid,
  mkdirat,
  O_RDONLY,
  openat,
  SyscallError,
} from '../../../syscalls/index.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** What is 0 in the namespace; there are nine more. */
const FIRST = 500_000;

/** A user namespace of ten ids, as a descriptor. */
async function openNamespace(context: TestContext): Promise<number> {
  const child = spawn('unshare', ['--user', 'sh', '-c', 'echo made; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  context.onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${map}`, `0 ${FIRST} 10`);
  const namespace = openSync(`/proc/${child.pid}/ns/user`, 'r');
  context.onTestFinished(() => closeSync(namespace));
  return namespace;
}

/** A directory that is 0's in the namespace, and a file of 5's in it that nobody may read. */
function ownedDirectory(context: TestContext): string {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, 'closed'), 'secret');
  chmodSync(join(directory, 'closed'), 0);
  chownSync(join(directory, 'closed'), FIRST + 5, FIRST + 5);
  chownSync(directory, FIRST, FIRST);
  return directory;
}

const giveTo = (path: string, id: number) => fchownat.step('giving it away', [AT_FDCWD, path, id, id, 0]);

describe.runIf(process.getuid?.() === 0)('calls in a user namespace', () => {
  test('have its ids and the rights of its root, over what is of these ids', async (context) => {
    const namespace = await openNamespace(context);
    const directory = ownedDirectory(context);
    const elsewhere = temporaryDirectory(context);
    const results = callInNamespace(namespace, [
      giveTo(join(directory, 'closed'), 7),
      giveTo(join(directory, 'closed'), 10),
      giveTo(elsewhere, 7),
    ]);
    expect(results).toEqual([0, -22, -1]); // EINVAL, EPERM
    expect(statSync(join(directory, 'closed')).uid).toBe(FIRST + 7);
    expect(statSync(elsewhere).uid).toBe(0);
  });

  test('leave this process who and where it was, and its memory readable', async (context) => {
    const namespace = await openNamespace(context);
    const look = () => [
      readFileSync('/proc/self/status', 'utf8').match(/^(Uid|Gid|CapEff|SigBlk|Threads).*$/gm),
      readlinkSync('/proc/self/ns/user'),
      readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8'),
      statSync('/proc/self/mem').uid,
    ];
    const before = look();
    const [pid] = callInNamespace(namespace, [getpid.step('telling who calls', [])]);
    expect(pid).not.toBe(process.pid);
    expect(look()).toEqual(before);
  });

  test('open files in this process', async (context) => {
    const namespace = await openNamespace(context);
    const path = join(ownedDirectory(context), 'closed');
    const [fd = -1] = callInNamespace(namespace, [openat.step('opening', [AT_FDCWD, path, O_RDONLY, 0])]);
    context.onTestFinished(() => closeSync(fd));
    expect(fstatSync(fd).uid).toBe(FIRST + 5);
    expect(readFileSync(fd, 'utf8')).toBe('secret');
  });

  test('are made one after the other, whatever becomes of those before, as many as there are', async (context) => {
    const namespace = await openNamespace(context);
    const directory = ownedDirectory(context);
    const long = 'x'.repeat(250);
    const calls = Array.from({ length: 400 }, (_, index) => {
      const path = index % 2 === 0 ? `${directory}/${long}${index}` : `${directory}/${long}${index - 1}`;
      return mkdirat.step('making a directory', [AT_FDCWD, path, 0o700]);
    });
    expect(callInNamespace(namespace, calls)).toEqual(calls.map((_, index) => (index % 2 === 0 ? 0 : -17))); // EEXIST
    expect(callInNamespace(namespace, [])).toEqual([]);
  });

  test('are not made where it cannot be entered', (context) => {
    const directory = temporaryDirectory(context);
    const fd = openSync(directory, 'r');
    context.onTestFinished(() => closeSync(fd));
    const call = fchownat.step('giving it away', [fd, '', 1, 1, AT_EMPTY_PATH]);
    expect(() => callInNamespace(fd, [call])).toThrow(
      expect.objectContaining({ constructor: SyscallError, code: 'EINVAL', syscall: 'setns' }) as Error,
    );
    expect(statSync(directory).uid).toBe(0);
  });
});
