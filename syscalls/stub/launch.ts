/**
 * Starts a stub: the only effect of a plan.
 *
 *     this thread                         child                                  stub
 *     ───────────                         ─────                                  ────
 *     block signals
 *     clone3(VM|VFORK|PIDFD|new ns) ────▶ wire descriptors, write id maps
 *       (waits)                           execveat(sealed memfd) ──────────────▶ own address space, one thread:
 *     restore signals                                                            mounts, pivot_root, identity …
 *     poll the report pipe  ◀─────────────── 16 bytes: failed step, errno ────── or execve: end of file
 *
 * Between clone3 and execveat the child runs in this process's memory: it makes system calls and nothing else,
 * on descriptors and ids of its own. It shares that memory with no process a container can see: either it is the
 * first of a new PID namespace, or it is in none of the container's (man 2 clone; ARCHITECTURE.md).
 */
import { SyscallError } from '../error.ts';
import { pathsOf } from '../define.ts';
import { F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, F_SETFL } from "../files.ts";
import { MFD_ALLOW_SEALING, MFD_CLOEXEC, O_CLOEXEC, O_NONBLOCK, close, fcntl, memfd_create, pipe2, write } from "../files.ts";
import { architecture } from '../libc.ts';
import { exit_group } from '../process.ts';
import type { Step } from '../step.ts';
import { variable } from '../memory.ts';
import { type Assembled, assemble, reportTo } from './assemble.ts';
import { elfImage, TABLE_ADDRESS } from './elf.ts';
import { MACHINES } from './machine.ts';
import { interpreterPage } from './page.ts';
import { FAILURE_SIZE } from './record.ts';

/** A program in two parts, and everything that will happen: data. */
export interface Program {
  /** Made by the calling thread and its clone, up to the stub's execveat. */
  readonly launch: readonly Step[];
  /** Made by the stub, up to the command's execve. */
  readonly stub: readonly Step[];
}

/** The descriptor that a stub reports a failure to. */
export const REPORT_DESCRIPTOR = 3;

/** Variables that {@link launch} sets before a program's first step. */
export const LAUNCH_VARIABLES = {
  /** The sealed memfd that holds the stub. */
  image: variable('image'),
  /** The write end of the report pipe, to be moved to {@link REPORT_DESCRIPTOR}. */
  report: variable('report'),
  /** What clone3 returned: the result of the launch. */
  pid: variable('pid'),
  /** The pidfd that clone3 wrote. */
  pidfd: variable('pidfd'),
} as const;

/** The label that the parent's part of a launch begins at; clone3 goes there when it fails, too. */
export const PARENT_LABEL = 'parent';

/** A process that a launch started. Its descriptors belong to the caller. */
export interface Launched {
  readonly pid: number;
  readonly pidfd: number;
  /** The read end of the report pipe, non-blocking: end of file says that the command runs. */
  readonly report: number;
  /** The error in what was read from the report pipe, or undefined when that is empty. */
  failure(report: Uint8Array): SyscallError | undefined;
}

/**
 * Runs a program's launch part on this thread, which waits until the stub's image has been entered.
 *
 * @param values the descriptors and other numbers that the program's variables stand for
 * @throws SyscallError when no process could be made; then nothing is left open
 */
export function launch(program: Program, values: Readonly<Record<string, number>> = {}): Launched {
  const page = interpreterPage();
  const stub = assembleStub(program.stub);
  const [readEnd, writeEnd] = openPipe();
  try {
    const image = openImage(elfImage(MACHINES[architecture()], stub));
    try {
      const launcher = assembleLauncher(program.launch, page.base, writeEnd);
      page.table.set(launcher.bytes);
      setVariables(page.table, launcher, { ...values, image, report: writeEnd });
      const pid = page.run();
      if (pid < 0) throw cloneError(program.launch, -pid);
      const pidfd = getVariable(page.table, launcher, LAUNCH_VARIABLES.pidfd.name);
      const failure = (report: Uint8Array) => decodeFailure(report, program, launcher, stub);
      return { pid, pidfd, report: readEnd, failure };
    } finally {
      close(image);
    }
  } catch (error) {
    close(readEnd);
    throw error;
  } finally {
    close(writeEnd);
  }
}

/** The stub of a program as an ELF file: what a launch executes. */
export function stubImage(steps: readonly Step[]): Uint8Array {
  return elfImage(MACHINES[architecture()], assembleStub(steps));
}

function assembleStub(steps: readonly Step[]): Assembled {
  const epilogue = reportTo(REPORT_DESCRIPTOR, { write, exit: exit_group });
  return assemble(steps, { arch: architecture(), base: TABLE_ADDRESS, epilogue });
}

function assembleLauncher(steps: readonly Step[], base: number, report: number): Assembled {
  const epilogue = [
    { kind: 'return', value: LAUNCH_VARIABLES.pid } as const,
    ...reportTo(report, { write, exit: exit_group }),
  ];
  return assemble(steps, { arch: architecture(), base, epilogue });
}

function openPipe(): [number, number] {
  const ends = new Uint32Array(2);
  pipe2(new Uint8Array(ends.buffer), O_CLOEXEC);
  const [readEnd, writeEnd] = ends as unknown as [number, number];
  fcntl(readEnd, F_SETFL, O_NONBLOCK);
  return [readEnd, writeEnd];
}

/** A sealed memfd, so that no process it becomes /proc/PID/exe of can change it (CVE-2019-5736). */
function openImage(bytes: Uint8Array): number {
  const descriptor = memfd_create('caisson', MFD_CLOEXEC | MFD_ALLOW_SEALING);
  write(descriptor, bytes, bytes.length);
  fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  return descriptor;
}

function setVariables(table: Uint8Array, program: Assembled, values: Readonly<Record<string, number>>): void {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  for (const [name, value] of Object.entries(values)) {
    const offset = program.offsetOf(name);
    if (offset !== undefined) view.setBigInt64(offset, BigInt(value), true);
  }
}

function getVariable(table: Uint8Array, program: Assembled, name: string): number {
  const offset = program.offsetOf(name);
  if (offset === undefined) throw new Error(`bug in caisson: the program has no variable '${name}'`);
  return new DataView(table.buffer, table.byteOffset).getInt32(offset, true);
}

function cloneError(steps: readonly Step[], errno: number): SyscallError {
  const step = steps.findIndex((candidate) => candidate.kind === 'call' && candidate.onError === PARENT_LABEL);
  return stepError(steps[step], step, errno);
}

function decodeFailure(
  report: Uint8Array,
  program: Program,
  launcher: Assembled,
  stub: Assembled,
): SyscallError | undefined {
  if (report.length < FAILURE_SIZE) return undefined;
  const view = new DataView(report.buffer, report.byteOffset);
  const address = Number(view.getBigUint64(0, true));
  const errno = -Number(view.getBigInt64(8, true));
  const inStub = stub.stepAt(address);
  if (inStub !== undefined) return stepError(program.stub[inStub], program.launch.length + inStub, errno);
  const inLaunch = launcher.stepAt(address);
  return stepError(program.launch[inLaunch ?? -1], inLaunch ?? -1, errno);
}

function stepError(step: Step | undefined, index: number, errno: number): SyscallError {
  if (step?.kind !== 'call') throw new Error(`bug in caisson: step ${index} reported error ${errno} but makes no call`);
  const { call, args, purpose } = step;
  return new SyscallError({ errno, syscall: call.syscall, step: index, purpose, ...pathsOf(call, args) });
}
