/**
 * The second source: a C program, compiled against this machine's headers, prints what the tables of syscalls/ say.
 * What is newer than the headers is left out there by #ifdef; how much was compared is annotated and asserted.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import * as credentials from '../../syscalls/credentials.ts';
import * as files from '../../syscalls/files.ts';
import * as mounts from '../../syscalls/mount.ts';
import * as namespaces from '../../syscalls/namespaces.ts';
import * as processes from '../../syscalls/process.ts';
import * as seccomps from '../../syscalls/seccomp.ts';
import * as sockets from '../../syscalls/sockets.ts';
import * as terminals from '../../syscalls/terminal.ts';
import * as times from '../../syscalls/time.ts';
import * as xattrs from '../../syscalls/xattrs.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const KERNEL_HEADERS = `
  asm/fcntl.h asm/ioctls.h asm/poll.h asm/resource.h asm/siginfo.h asm/signal.h asm/socket.h asm/statfs.h
  asm/termbits.h asm/termios.h linux/audit.h linux/capability.h linux/close_range.h linux/fcntl.h linux/filter.h
  linux/fs.h linux/in.h linux/in6.h linux/keyctl.h linux/limits.h linux/magic.h linux/memfd.h linux/mman.h linux/mount.h
  linux/netlink.h linux/nsfs.h linux/openat2.h linux/personality.h linux/pidfd.h linux/prctl.h linux/resource.h
  linux/sched.h linux/seccomp.h linux/securebits.h linux/signalfd.h linux/sockios.h linux/stat.h linux/time.h linux/uio.h linux/un.h
  linux/wait.h linux/xattr.h`;

/** For what the kernel's own headers do not tell users, and once more for the rest. */
const LIBC_HEADERS = `
  fcntl.h net/if.h poll.h sched.h signal.h stdio.h sys/file.h sys/ioctl.h sys/mman.h sys/mount.h sys/personality.h
  sys/prctl.h sys/resource.h sys/socket.h sys/stat.h sys/statvfs.h sys/timerfd.h sys/wait.h sys/xattr.h unistd.h`;

/** Names that the kernel's headers have in an enum, where #ifdef does not see them; all older than Linux 5.2. */
const ENUMERATED = /^(PER_|ADDR_NO_RANDOMIZE|FSCONFIG_(?!CMD_CREATE_EXCL))/;

/** What Linux 6.1's headers and the libc of its time do not have yet. */
const NEWER = [
  'F_SEAL_EXEC',
  'FSCONFIG_CMD_CREATE_EXCL',
  'MFD_EXEC',
  'MFD_NOEXEC_SEAL',
  'MOVE_MOUNT_BENEATH',
  'PIDFD_SIGNAL_PROCESS_GROUP',
  'ST_NOSYMFOLLOW',
];

interface StructOfC {
  readonly name: string;
  readonly size: number;
  readonly offsets: Readonly<Record<string, number>>;
}

const { SIGSET_SIZE: _ours, ...kernelProcesses } = processes;
const families = [namespaces, mounts, files, xattrs, kernelProcesses, credentials, seccomps, sockets, terminals, times];
const exported = families.flatMap((family) => Object.entries<unknown>(family));
const structs = exported.map(([, value]) => value).filter(isStruct);
const calls = exported.map(([, value]) => value).filter(isCall);
const constants = new Map(
  [...exported, ...Object.entries(credentials.CAPABILITIES)].flatMap(([name, value]) =>
    typeof value === 'number' || typeof value === 'bigint' ? [[name, BigInt.asIntN(64, BigInt(value))] as const] : [],
  ),
);

test('constants have the values of the C headers', async (context) => {
  const ifDefined = (name: string) => `#ifdef ${name}\n${print(name, name)}\n#endif`;
  const kernel = [...constants.keys()].map((name) => (ENUMERATED.test(name) ? print(name, name) : ifDefined(name)));
  const libc = [...constants.keys()].map(ifDefined);
  const fromKernel = runC(context, KERNEL_HEADERS, kernel);
  const fromLibc = runC(context, LIBC_HEADERS, libc);

  expect(differences(constants, fromKernel)).toEqual([]);
  expect(differences(constants, fromLibc)).toEqual([]);
  const missing = [...constants.keys()].filter((name) => !fromKernel.has(name) && !fromLibc.has(name));
  await context.annotate(
    `compared ${constants.size - missing.length} constants of ${constants.size}; not in the headers: ${missing}`,
  );
  expect(missing.filter((name) => !NEWER.includes(name))).toEqual([]);
  expect(constants.size).toBeGreaterThan(440);
});

test('structs have the size and the offsets of the C headers', async (context) => {
  const ofLibc = (name: string) => ['msghdr', 'cmsghdr', 'ifreq'].includes(name);
  const lines = (each: StructOfC) => [...layoutOf(each).keys()].map((expression) => print(expression, expression));
  const kernel = structs.filter(({ name }) => !ofLibc(name));
  const libc = structs.filter(({ name }) => ofLibc(name));
  const found = new Map([
    ...runC(context, KERNEL_HEADERS, kernel.flatMap(lines)),
    ...runC(context, LIBC_HEADERS, libc.flatMap(lines)),
  ]);

  const expected = new Map(structs.flatMap((each) => [...layoutOf(each)]));
  expect(found).toEqual(expected);
  await context.annotate(`compared ${structs.length} structs, ${expected.size} sizes and offsets`);
  expect(structs.length).toBeGreaterThan(19);
});

// asm-generic/unistd.h is what arm64 has for its own; the definitions are those of arch/arm64/include/uapi/asm/unistd.h.
test.for([
  { arch: 'x64', headers: 'asm/unistd_64.h', define: '' },
  { arch: 'arm64', headers: 'asm-generic/unistd.h', define: '#define __ARCH_WANT_SYS_CLONE3' },
] as const)('system calls have the numbers of $headers on $arch', async ({ arch, headers, define }, context) => {
  requires(context, arch === 'arm64' || process.arch === 'x64', "x64's own headers");
  const expected = new Map(calls.map(({ syscall, numbers }) => [`__NR_${syscall}`, BigInt(numbers[arch] ?? -1)]));
  const lines = [...expected.keys()].map((name) => print(name, name));
  expect(runC(context, headers, lines, define)).toEqual(expected);
  await context.annotate(`compared ${expected.size} system calls`);
  expect(expected.size).toBeGreaterThan(90);
});

/** The C expressions for a struct's size and its members' places, and what they are. */
function layoutOf({ name, size, offsets }: StructOfC): Map<string, bigint> {
  const type = name.endsWith('_t') ? name : `struct ${name}`;
  const members = Object.entries(offsets).filter(([member]) => !member.startsWith('_'));
  const places = members.map(([member, offset]) => [`__builtin_offsetof(${type}, ${member})`, BigInt(offset)] as const);
  return new Map([[`sizeof(${type})`, BigInt(size)], ...places]);
}

function differences(expected: ReadonlyMap<string, bigint>, found: ReadonlyMap<string, bigint>): string[] {
  const wrong = [...found].filter(([name, value]) => expected.get(name) !== value);
  return wrong.map(([name, value]) => `${name} is ${value}, not ${expected.get(name)}`);
}

function print(name: string, expression: string): string {
  return `printf("%s=%lld\\n", "${name}", (long long)(${expression}));`;
}

/** Compiles and runs a program of these lines; returns what it printed. */
function runC(context: TestContext, headers: string, lines: readonly string[], define = ''): Map<string, bigint> {
  requires(context, canCompile(context), 'a C compiler and the headers of Linux 6.1 or later (gcc, linux-libc-dev)');
  const includes = headers
    .trim()
    .split(/\s+/)
    .map((header) => `#include <${header}>`);
  // Declared and not included: <stdio.h> would bring libc's headers beside the kernel's.
  const printf = headers.includes('stdio.h') ? [] : ['int printf(const char *, ...);'];
  const source = [
    '#define _GNU_SOURCE',
    define,
    ...includes,
    ...printf,
    'int main(void) {',
    ...lines,
    'return 0;',
    '}',
  ];
  const output = compile(context, source.join('\n'));
  return new Map(
    output
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.lastIndexOf('=')), BigInt(line.slice(line.lastIndexOf('=') + 1))]),
  );
}

function compile(context: TestContext, source: string): string {
  const directory = temporaryDirectory(context);
  const file = join(directory, 'program.c');
  writeFileSync(file, source);
  execFileSync('cc', ['-w', '-o', join(directory, 'program'), file], { stdio: ['ignore', 'pipe', 'pipe'] });
  return execFileSync(join(directory, 'program'), { encoding: 'utf8' });
}

function canCompile(context: TestContext): boolean {
  const lines = ['#include <linux/version.h>', '#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)', '#error', '#endif'];
  try {
    compile(context, [...lines, 'int main(void) { return 0; }'].join('\n'));
    return true;
  } catch {
    return false;
  }
}

function isStruct(value: unknown): value is StructOfC {
  return typeof value === 'object' && value !== null && 'offsets' in value;
}

function isCall(value: unknown): value is typeof processes.getpid {
  return typeof value === 'function' && 'syscall' in value;
}
