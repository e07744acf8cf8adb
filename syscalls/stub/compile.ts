/** From a program to what is launched: once, for any number of launches. */
import { write } from '../files.ts';
import { architecture } from '../libc.ts';
import { variable } from '../memory.ts';
import { exit_group } from '../process.ts';
import type { Step } from '../step.ts';
import { type Assembled, assemble, type MachineStep, reportTo, type Target } from './assemble.ts';
import { elfImage, REST_ADDRESS, TABLE_ADDRESS } from './elf.ts';
import { MACHINES } from './machine.ts';
import { interpreterPage } from './page.ts';

/** A program in two parts, and everything that will happen: data. */
export interface Program {
  /** Made by the calling thread and its clone, up to the stub's execveat. */
  readonly launch: readonly Step[];
  /** Made by the stub, up to the command's execve. */
  readonly stub: readonly Step[];
  /**
   * How many steps of the stub it is launched with, where it is launched before the others are decided: the last of them
   * are {@link takeRest}. @default all
   */
  readonly ahead?: number | undefined;
}

/** A program, compiled for this machine and this thread. */
export interface Compiled {
  readonly program: Program;
  /** The launching part, assembled for this thread's interpreter page. */
  readonly launcher: Assembled;
  readonly stub: Assembled;
  /** The stub as an ELF file. */
  readonly image: Uint8Array;
  /** Of a program that is launched ahead: what is to follow ({@link giveRest}). */
  readonly rest?: Assembled | undefined;
}

/** The descriptor that a stub reports a failure to. */
export const REPORT_DESCRIPTOR = 3;

/** Where the rest of a program begins. */
export const REST_LABEL = 'the rest of the plan';

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

/** Compiles a program. Of one that is launched ahead, the part that is launched depends on nothing that follows. */
export function compile(program: Program): Compiled {
  const { ahead } = program;
  const labels = ahead === undefined ? undefined : new Map([[REST_LABEL, REST_ADDRESS]]);
  const stub = assembleStub(program.stub.slice(0, ahead), labels);
  const launcher = assembleLauncher(program.launch);
  const image = elfImage(MACHINES[architecture()], stub);
  const rest = ahead === undefined ? undefined : assembleRest(program.stub.slice(ahead), stub);
  return { program, launcher, stub, image, rest };
}

/** The stub of a program as an ELF file. */
export function stubImage(steps: readonly Step[]): Uint8Array {
  return elfImage(MACHINES[architecture()], assembleStub(steps));
}

function assembleStub(steps: readonly Step[], labels?: Target['labels']): Assembled {
  return assemble(steps, { arch: architecture(), base: TABLE_ADDRESS, epilogue: reporting(), labels });
}

/** What follows has the variables of what was before. */
function assembleRest(steps: readonly Step[], stub: Assembled): Assembled {
  const variableAt = (name: string) => {
    const offset = stub.offsetOf(name);
    return offset === undefined ? undefined : TABLE_ADDRESS + offset;
  };
  return assemble(steps, { arch: architecture(), base: REST_ADDRESS, epilogue: reporting(), variableAt });
}

function reporting(): MachineStep[] {
  return reportTo(REPORT_DESCRIPTOR, { write, exit: exit_group });
}

function assembleLauncher(steps: readonly Step[]): Assembled {
  const { pid, report } = LAUNCH_VARIABLES;
  const epilogue = [{ kind: 'return', value: pid } as const, ...reportTo(report, { write, exit: exit_group })];
  return assemble(steps, { arch: architecture(), base: interpreterPage().base, epilogue });
}
