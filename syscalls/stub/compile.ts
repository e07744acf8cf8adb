/** From a program to what is launched: once, for any number of launches. */
import { write } from '../files.ts';
import { architecture } from '../libc.ts';
import { variable } from '../memory.ts';
import { exit_group } from '../process.ts';
import type { Step } from '../step.ts';
import { type Assembled, assemble, reportTo } from './assemble.ts';
import { elfImage, TABLE_ADDRESS } from './elf.ts';
import { MACHINES } from './machine.ts';
import { interpreterPage } from './page.ts';

/** A program in two parts, and everything that will happen: data. */
export interface Program {
  /** Made by the calling thread and its clone, up to the stub's execveat. */
  readonly launch: readonly Step[];
  /** Made by the stub, up to the command's execve. */
  readonly stub: readonly Step[];
}

/** A program, compiled for this machine and this thread. */
export interface Compiled {
  readonly program: Program;
  /** The launching part, assembled for this thread's interpreter page. */
  readonly launcher: Assembled;
  readonly stub: Assembled;
  /** The stub as an ELF file. */
  readonly image: Uint8Array;
}

/** The descriptor that a stub reports a failure to. */
export const REPORT_DESCRIPTOR = 3;

/** Variables that a launch sets before a program's first step, or reads after its last. */
export const LAUNCH_VARIABLES = {
  /** The sealed memfd that holds the stub. */
  image: variable('image'),
  /** The write end of the report pipe, to be moved to {@link REPORT_DESCRIPTOR}. */
  report: variable('report'),
  /** The owner's end of it: a process that lives on when the owner is killed must not have it (dieWithOwner). */
  reader: variable('reader of the report'),
  /** What clone3 returned: the result of the launch. */
  pid: variable('pid'),
  /** The pidfd that clone3 wrote. */
  pidfd: variable('pidfd'),
} as const;

/** Compiles a program. */
export function compile(program: Program): Compiled {
  const stub = assembleStub(program.stub);
  const launcher = assembleLauncher(program.launch);
  return { program, launcher, stub, image: elfImage(MACHINES[architecture()], stub) };
}

/** The stub of a program as an ELF file. */
export function stubImage(steps: readonly Step[]): Uint8Array {
  return elfImage(MACHINES[architecture()], assembleStub(steps));
}

function assembleStub(steps: readonly Step[]): Assembled {
  const epilogue = reportTo(REPORT_DESCRIPTOR, { write, exit: exit_group });
  return assemble(steps, { arch: architecture(), base: TABLE_ADDRESS, epilogue });
}

function assembleLauncher(steps: readonly Step[]): Assembled {
  const { pid, report } = LAUNCH_VARIABLES;
  const epilogue = [{ kind: 'return', value: pid } as const, ...reportTo(report, { write, exit: exit_group })];
  return assemble(steps, { arch: architecture(), base: interpreterPage().base, epilogue });
}
