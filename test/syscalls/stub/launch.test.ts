/** Launches for real: no namespaces, so that any user may. */
import { openSync, readdirSync, readFileSync, readlinkSync, truncateSync } from 'node:fs';
import { describe, expect, type TestContext, test } from 'vitest';
import {
  AT_FDCWD,
  CLONE_FS,
  CLONE_NEWNS,
  chdir,
  close,
  compile,
  dup3,
  execve,
  exit_group,
  F_GET_SEALS,
  F_GETFD,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  FD_CLOEXEC,
  failureIn,
  fcntl,
  getpid,
  launch,
  mkdirat,
  type Program,
  pidfd_send_signal,
  ppoll,
  read,
  renameat2,
  rt_sigaction,
  SIGSET_SIZE,
  type Step,
  SyscallError,
  stringArray,
  variable,
  write,
} from '../../../syscalls/index.ts';
import { interpreterPage } from '../../../syscalls/stub/page.ts';
import { expectNothingLeft, traces } from '../../support/leftovers.ts';
import { launchPart, openPipe, readToEnd, start, startAndWait, wait } from './launching.ts';

const MISSING = '/proc/self/no-such-directory';
const SIGPIPE = 13;
const SIGKILL = 9;
/** Descriptors of the stub that a launch part sets up from a pipe. */
const pipeEnd = variable('pipe');

const end = (code: number) => exit_group.step('ending', [code]);
const toStdout = dup3.step('setting standard output', [pipeEnd, 1, 0]);

describe('a launch', () => {
  test('gives the pid and a pidfd of a child that runs the stub', () => {
    const self = variable('self');
    const started = start({
      launch: launchPart(),
      stub: [getpid.step('asking', [], { into: self }), exit_group.step('ending', [self])],
    });
    expect(readFileSync(`/proc/self/fdinfo/${started.pidfd}`, 'utf8')).toMatch(
      new RegExp(`^Pid:\t${started.pid}$`, 'm'),
    );
    const { pid } = started;
    expect(wait(started)).toEqual({ pid, status: pid & 0xff, isKilled: false, failure: undefined });
  });

  test('hands descriptors over by the names of variables', () => {
    const program = { launch: launchPart([toStdout]), stub: [write.step('writing', [1, 'hello', 5]), end(0)] };
    expect(outputOf(program).text).toBe('hello');
  });

  test('leaves no process, descriptor or mount behind, fifty times', async () => {
    const before = traces();
    for (let count = 0; count < 50; count += 1) {
      expect(startAndWait({ launch: launchPart(), stub: [end(count)] }).status).toBe(count);
    }
    await expectNothingLeft(before);
  });

  test('may be made many times of what was compiled once, each with other descriptors', () => {
    const program = { launch: launchPart([toStdout]), stub: [write.step('writing', [1, 'hello', 5]), end(0)] };
    const compiled = compile(program);
    const launched = [1, 2, 3].map(() => {
      const { readEnd, writeEnd } = openPipe();
      const started = { ...launch(compiled, { pipe: writeEnd }), failure: () => undefined };
      close(writeEnd);
      const text = readToEnd(readEnd).toString();
      close(readEnd);
      return { text, status: wait(started).status };
    });
    expect(launched).toEqual(Array(3).fill({ text: 'hello', status: 0 }));
  });

  test('may be made of another image of the same size: its failures are told in the words of its own program', () => {
    const enter = (path: string) => ({ launch: launchPart(), stub: [chdir.step(`entering ${path}`, [path])] });
    const [given, other] = [enter('/proc/self/missing-1'), enter('/proc/self/missing-2')];
    const compiled = compile(given);
    const started = launch(compiled, {}, { image: compile(other).image });
    const ended = wait({ ...started, failure: (report) => failureIn(report, compiled, other) });
    expect(ended.failure).toMatchObject({ path: '/proc/self/missing-2', purpose: 'entering /proc/self/missing-2' });
  });

  test("never has code of this process's that is writable, nor data that is executable", () => {
    const { base } = interpreterPage();
    expect(permissionsAt(base - 1)).toBe('r-xp');
    expect(permissionsAt(base)).toBe('rw-p');
  });

  test('gives this thread its signal mask back, whether it succeeds or not', () => {
    const before = statusOf('thread-self');
    startAndWait({ launch: launchPart(), stub: [end(0)] });
    expect(() => start({ launch: launchPart([], CLONE_FS + CLONE_NEWNS), stub: [end(0)] })).toThrow();
    expect(statusOf('thread-self').blocked).toBe(before.blocked);
  });
});

describe('a stub', () => {
  test('is given no descriptor but those it was wired, and those this process leaks to all its children', () => {
    const inheritable = readdirSync('/proc/self/fd').filter(isInheritable);
    const list = execve.step('listing', ['/bin/ls', stringArray(['ls', '/proc/self/fd']), stringArray([])]);
    const { text } = outputOf({ launch: launchPart([toStdout]), stub: [list] });
    const listed = text.trim().split('\n');
    // One more, the lowest free one, is the directory that ls lists.
    const wired = new Set([...inheritable, '1', '3']);
    expect(listed.filter((descriptor) => wired.has(descriptor))).toHaveLength(wired.size);
    expect(listed).toHaveLength(wired.size + 1);
  });

  test('starts with every signal blocked and none handled', (context) => {
    const { pid } = launchWaiting(context);
    // SIGKILL and SIGSTOP cannot be.
    expect(statusOf(pid)).toMatchObject({ blocked: 'fffffffffffbfeff', caught: '0000000000000000' });
  });

  test('ignores what Node ignores, SIGPIPE, until a step gives it its default', (context) => {
    const byDefault = new Uint8Array(32);
    const reset = rt_sigaction.step('resetting', [SIGPIPE, byDefault, null, SIGSET_SIZE]);
    const bit = 1n << BigInt(SIGPIPE - 1);
    const isIgnored = (pid: number) => (BigInt(`0x${statusOf(pid).ignored}`) & bit) !== 0n;
    expect(isIgnored(launchWaiting(context).pid)).toBe(true);
    expect(isIgnored(launchWaiting(context, [reset]).pid)).toBe(false);
  });

  test('has an address space of its own, with its image and nothing of Node in it', (context) => {
    const { pid } = launchWaiting(context);
    const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n');
    const names = lines.map((line) => line.slice(73).trim());
    const kernels = /^\[(stack|vdso|vvar|vvar_vclock|vsyscall|heap)\]$/;
    expect(new Set(names.filter((name) => !kernels.test(name)))).toEqual(new Set(['/memfd:caisson (deleted)']));
    expect(lines.filter((line) => / .w.?x/.test(line.slice(line.indexOf(' '), line.indexOf(' ') + 5)))).toEqual([]);
    expect(readlinkSync(`/proc/${pid}/exe`)).toBe('/memfd:caisson (deleted)');
  });

  test('takes a few pages of memory', (context) => {
    const { pid } = launchWaiting(context);
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    expect(Number(kilobytes)).toBeLessThanOrEqual(64);
  });

  test('is a sealed file: whoever reaches it through /proc cannot change it', (context) => {
    const { pid } = launchWaiting(context);
    const descriptor = openSync(`/proc/${pid}/exe`, 'r');
    context.onTestFinished(() => void close(descriptor));
    expect(fcntl(descriptor, F_GET_SEALS, 0)).toBe(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    expect(codeOf(() => openSync(`/proc/${pid}/exe`, 'r+'))).toBe('ETXTBSY');
    expect(['EPERM', 'ETXTBSY']).toContain(codeOf(() => truncateSync(`/proc/${pid}/exe`, 0)));
  });

  test('that is killed has reported nothing', () => {
    const started = start({ launch: launchPart(), stub: [pause()] });
    pidfd_send_signal(started.pidfd, SIGKILL, null, 0);
    expect(wait(started)).toMatchObject({ status: SIGKILL, isKilled: true, failure: undefined });
  });
});

describe('a failure', () => {
  test('in the stub is an error with step, call, error number, path and purpose', () => {
    const part = launchPart();
    const { status, failure } = startAndWait({
      launch: part,
      stub: [getpid.step('asking', []), mkdirat.step('making a directory', [AT_FDCWD, `${MISSING}/x`, 0o755])],
    });
    expect(status).toBe(127);
    expect(failure).toBeInstanceOf(SyscallError);
    expect({ ...failure }).toEqual({
      name: 'SyscallError',
      code: 'ENOENT',
      errno: -2,
      syscall: 'mkdirat',
      path: `${MISSING}/x`,
      step: part.length + 1,
      purpose: 'making a directory',
    });
    expect(failure?.message).toBe(
      `making a directory: ENOENT: no such file or directory, mkdirat '/proc/self/no-such-directory/x'`,
    );
  });

  test('of a call about two files names both', () => {
    const rename = renameat2.step('renaming', [AT_FDCWD, `${MISSING}/a`, AT_FDCWD, `${MISSING}/b`, 0]);
    const { failure } = startAndWait({ launch: launchPart(), stub: [rename] });
    expect(failure).toMatchObject({ path: `${MISSING}/a`, dest: `${MISSING}/b` });
  });

  test('in the launch part, behind the clone, is one too, with the index in that part', () => {
    const failing = chdir.step('entering a directory', [MISSING]);
    const { status, failure } = startAndWait({ launch: launchPart([failing]), stub: [end(0)] });
    expect(status).toBe(127);
    expect(failure).toMatchObject({
      code: 'ENOENT',
      syscall: 'chdir',
      path: MISSING,
      step: 3,
      purpose: 'entering a directory',
    });
  });

  test('of the clone is thrown, and nothing is left', async () => {
    const before = traces();
    // A file system shared and not shared: EINVAL for any user.
    const program = { launch: launchPart([], CLONE_FS + CLONE_NEWNS), stub: [end(0)] };
    expect(() => start(program)).toThrow(
      expect.objectContaining({ code: 'EINVAL', syscall: 'clone3', step: 1, purpose: 'making the process' }),
    );
    await expectNothingLeft(before);
  });

  test('of execve is told apart from success by the report, and success is its end', () => {
    const run = (path: string) =>
      execve.step('executing', [path, stringArray(['sh', '-c', 'exit 3']), stringArray([])]);
    expect(startAndWait({ launch: launchPart(), stub: [run('/bin/sh')] })).toMatchObject({
      status: 3,
      failure: undefined,
    });
    expect(startAndWait({ launch: launchPart(), stub: [run(MISSING)] })).toMatchObject({
      status: 127,
      failure: { code: 'ENOENT', syscall: 'execve', path: MISSING },
    });
  });
});

describe('what cannot be meant is refused before anything happens', () => {
  const wrong: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['a NUL in a path', () => [chdir.step('entering', ['/a\0b'])], /path of chdir must not contain a NUL/],
    ['a string for an integer', () => [chdir.step('entering', [1])], /path of chdir must be a pointer, got 1/],
    ['an integer out of range', () => [exit_group.step('ending', [2 ** 31])], /must be from .* got 2147483648/],
    ['a fraction', () => [exit_group.step('ending', [0.5])], /must be an integer, got 0.5/],
  ];

  test.each(wrong)('%s, when the step is written', (_, steps, message) => {
    expect(steps).toThrow(TypeError);
    expect(steps).toThrow(message);
  });

  test.each<[string, Program, Record<string, number>]>([
    ['a label that no step has', { launch: launchPart(), stub: [getpid.step('asking', [], { next: 'no' })] }, {}],
    ['a variable with a fraction', { launch: launchPart([toStdout]), stub: [end(0)] }, { pipe: 0.5 }],
  ])('%s, when it is launched', async (_, program, values) => {
    const before = traces();
    expect(() => start(program, values)).toThrow();
    await expectNothingLeft(before);
  });
});

/** Launches a stub that makes some steps and waits to be killed, which it is at the test's end. */
function launchWaiting(context: TestContext, steps: readonly Step[] = []): { readonly pid: number } {
  const { readEnd, writeEnd } = openPipe();
  const tell = write.step('telling that it waits', [1, '!', 1]);
  const launched = start({ launch: launchPart([toStdout]), stub: [...steps, tell, pause()] }, { pipe: writeEnd });
  context.onTestFinished(() => {
    pidfd_send_signal(launched.pidfd, SIGKILL, null, 0);
    wait(launched);
  });
  close(writeEnd);
  expect(read(readEnd, new Uint8Array(1), 1)).toBe(1);
  close(readEnd);
  return launched;
}

/** Waits for ever: for none of no descriptors, without a limit. */
function pause(): Step {
  return ppoll.step('waiting', [null, 0, null, null, 0]);
}

/** Launches a program that has a pipe as standard output, and reads it. */
function outputOf(program: Program): { readonly text: string; readonly status: number } {
  const { readEnd, writeEnd } = openPipe();
  const launched = start(program, { pipe: writeEnd });
  close(writeEnd);
  const text = readToEnd(readEnd).toString();
  close(readEnd);
  return { text, status: wait(launched).status };
}

function isInheritable(descriptor: string): boolean {
  try {
    return (fcntl(Number(descriptor), F_GETFD, 0) & FD_CLOEXEC) === 0;
  } catch {
    return false; // the one that read the directory
  }
}

function statusOf(pid: number | string): { blocked: string; ignored: string; caught: string } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => new RegExp(`^${name}:\\s+(\\w+)$`, 'm').exec(status)?.[1] ?? '';
  return { blocked: field('SigBlk'), ignored: field('SigIgn'), caught: field('SigCgt') };
}

/** The permissions of the mapping of this process that holds an address. */
function permissionsAt(address: number): string | undefined {
  const lines = readFileSync('/proc/self/maps', 'utf8').trim().split('\n');
  const holds = (line: string) => {
    const [, start = '', stop = ''] = /^(\w+)-(\w+)/.exec(line) ?? [];
    return address >= Number.parseInt(start, 16) && address < Number.parseInt(stop, 16);
  };
  return lines.find(holds)?.split(' ')[1];
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}
