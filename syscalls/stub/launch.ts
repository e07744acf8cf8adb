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
import { pathsOf } from '../define.ts';
import { CaissonError, hasCode, SyscallError } from '../error.ts';
import {
  close,
  F_ADD_SEALS,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  F_SETFL,
  fcntl,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  memfd_create,
  O_CLOEXEC,
  O_NONBLOCK,
  pipe2,
  read,
  write,
} from '../files.ts';
import type { Step } from '../step.ts';
import type { Assembled } from './assemble.ts';
import { type Compiled, LAUNCH_VARIABLES, type Program } from './compile.ts';
import { interpreterPage } from './page.ts';
import { FAILURE_SIZE } from './record.ts';

/** The label that the parent's part of a launch begins at; clone3 goes there when it fails, too. */
export const PARENT_LABEL = 'parent';

/** A program that differs from a compiled one in some of its bytes. */
export interface Variant {
  readonly image?: Uint8Array;
  readonly launcherBytes?: Uint8Array;
  /** The program in its own words: for errors. */
  readonly program?: () => Program;
}

/** A process that a launch started. Its descriptors belong to the caller. */
export interface Launched {
  readonly pid: number;
  readonly pidfd: number;
  /** The read end of the report pipe, non-blocking: end of file says that the command runs. */
  readonly report: number;
}

/**
 * Runs a program's launch part on this thread, which waits until the stub's image has been entered.
 *
 * @param values the descriptors and other numbers that the program's variables stand for
 * @param variant what is not quite the compiled one
 * @throws SyscallError when no process could be made; then nothing is left open
 */
export function launch(
  compiled: Compiled,
  values: Readonly<Record<string, number>> = {},
  { image = compiled.image, launcherBytes = compiled.launcher.bytes, program }: Variant = {},
): Launched {
  const { launcher } = compiled;
  const page = interpreterPage();
  const [report, writeEnd] = openPipe();
  try {
    const descriptor = openImage(image);
    try {
      page.load(launcherBytes);
      const { reader } = LAUNCH_VARIABLES;
      const own = { image: descriptor, report: writeEnd, [reader.name]: report };
      setVariables(page.table, launcher, { ...values, ...own });
      const pid = page.run();
      // 0: the clone that was to make the process could not, and has said so.
      if (pid <= 0) throw launchError(report, compiled, program?.() ?? compiled.program, -pid);
      return { pid, pidfd: getVariable(page.table, launcher, LAUNCH_VARIABLES.pidfd.name), report };
    } finally {
      close(descriptor);
    }
  } catch (error) {
    close(report);
    throw error;
  } finally {
    close(writeEnd);
  }
}

/**
 * The error in what was read from a report pipe; undefined when there is none.
 * @param program the program that was launched, where it is not quite the compiled one: for the error's paths
 */
export function failureIn(
  report: Uint8Array,
  { launcher, stub, rest, program: compiledProgram }: Compiled,
  program: Program = compiledProgram,
): SyscallError | undefined {
  if (report.length < FAILURE_SIZE) return undefined;
  const view = new DataView(report.buffer, report.byteOffset);
  const address = Number(view.getBigUint64(0, true));
  const errno = -Number(view.getBigInt64(8, true));
  const inStub = stub.stepAt(address);
  if (inStub !== undefined) return stepError(program.stub[inStub], program.launch.length + inStub, errno);
  const inRest = rest?.stepAt(address);
  if (inRest !== undefined) {
    const at = (program.ahead ?? 0) + inRest;
    return stepError(program.stub[at], program.launch.length + at, errno);
  }
  const inLaunch = launcher.stepAt(address) ?? -1;
  return stepError(program.launch[inLaunch], inLaunch, errno);
}

function launchError(report: number, compiled: Compiled, program: Program, errno: number): SyscallError {
  const buffer = new Uint8Array(FAILURE_SIZE);
  const isReported = read.attempt(report, buffer, FAILURE_SIZE) === FAILURE_SIZE;
  return (isReported ? failureIn(buffer, compiled, program) : undefined) ?? cloneError(program.launch, errno);
}

function openPipe(): [number, number] {
  const ends = new Uint32Array(2);
  pipe2(new Uint8Array(ends.buffer), O_CLOEXEC);
  const [readEnd, writeEnd] = ends as unknown as [number, number];
  fcntl(readEnd, F_SETFL, O_NONBLOCK);
  return [readEnd, writeEnd];
}

/**
 * A stub's image as a descriptor, for the caller to close: a sealed memfd, so that no process it becomes /proc/PID/exe of
 * can change it (CVE-2019-5736). A container may still change its mode: so no two have the same one.
 */
export function openImage(bytes: Uint8Array): number {
  const descriptor = createExecutableMemfd();
  try {
    write(descriptor, bytes, bytes.length);
    fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    return descriptor;
  } catch (error) {
    close(descriptor);
    throw error;
  }
}

/** Whether this kernel knows MFD_EXEC (Linux 6.3), which vm.memfd_noexec=1 asks for. */
let knowsExec = true;

function createExecutableMemfd(): number {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  try {
    return memfd_create('caisson', knowsExec ? flags | MFD_EXEC : flags);
  } catch (error) {
    if (knowsExec && hasCode(error, 'EINVAL')) {
      knowsExec = false;
      return createExecutableMemfd();
    }
    if (!hasCode(error, 'EACCES')) throw error;
    throw new CaissonError(
      'MEMFD_NOEXEC',
      'this machine allows no executable memfd, which every container starts from',
      {
        hint: 'set sysctl vm.memfd_noexec=1',
        cause: error,
      },
    );
  }
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

function stepError(step: Step | undefined, index: number, errno: number): SyscallError {
  if (step?.kind !== 'call') throw new Error(`bug in caisson: step ${index} reported error ${errno} but makes no call`);
  const { call, args, purpose } = step;
  return new SyscallError({ errno, syscall: call.syscall, step: index, purpose, ...pathsOf(call, args) });
}
