/** A supervisor's log: frames, and files that are begun anew when they are long enough. */
import {
  add,
  CLOCK_REALTIME,
  clock_gettime,
  equal,
  ftruncate,
  type Label,
  lseek,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_WRONLY,
  openat,
  renameat2,
  SEEK_END,
  type Step,
  shift,
  unlinkat,
  type Variable,
  variable,
  write,
} from '../../syscalls/index.ts';
import { OUTPUT, SUPERVISOR } from './supervisor-memory.ts';
import { renumber } from './supervisor-stdio.ts';

/** How much is kept of what a container writes. */
export interface LogLimits {
  readonly maxFileBytes: number;
  readonly maxFiles: number;
}

/** The kinds of a log's frames. */
export const LOG_KIND = { stdout: 1, stderr: 2 } as const;

/** How many bytes were read at once, and of which stream. */
export const count = variable('bytes read');
export const kind = variable('stream');
/** Whether the process has ended, and only what it left in its pipes is to be read. */
export const draining = variable('draining');
/** How long the log is, less what it may be: so its sign says whether there is room. */
const overrun = variable('log overrun');

/** Opens the log, to go on where it ends. */
export function openLog({ maxFileBytes }: LogLimits): Step[] {
  const opened = variable('log');
  const size = variable('log size');
  return [
    openLogFile('log', opened),
    lseek.step('finding the end of the log', [opened, 0, SEEK_END], { into: size }),
    add(size, -maxFileBytes, overrun),
    ...renumber(opened, SUPERVISOR.log),
  ];
}

/** Appends a frame; what does not fit on the disk is lost, and the container goes on. */
export function note(limits: LogLimits): Step[] {
  const size = variable('frame size');
  const written = variable('written');
  const end = variable('end of the log');
  const sign = variable('sign');
  const { header } = OUTPUT;
  return [
    clock_gettime.step('looking at the clock', [CLOCK_REALTIME, BigInt(header.time)], { label: 'note' }),
    add(kind, 0, header.kind),
    add(count, 0, header.length),
    add(count, OUTPUT.headerBytes, size),
    write.step('noting what was written', [SUPERVISOR.log, BigInt(header.address), size], {
      into: written,
      onError: 'noted',
    }),
    equal(written, size, { next: 'note is whole' }),
    add(overrun, limits.maxFileBytes, end),
    ftruncate.step('taking back what is no whole frame', [SUPERVISOR.log, end], { next: 'noted', onError: 'noted' }),
    add(overrun, size, overrun, { label: 'note is whole' }),
    shift(overrun, 63, sign),
    equal(sign, 1, { next: 'noted' }),
    ...rotate(limits, 'noted'),
    equal(draining, 1, { label: 'noted', otherwise: 'noted of a living one' }),
    equal(kind, LOG_KIND.stdout, { next: 'read stdout', otherwise: 'read stderr' }),
    equal(kind, LOG_KIND.stdout, { label: 'noted of a living one', next: 'stderr?', otherwise: 'request?' }),
  ];
}

/** The name of a log's file: the newest has no number. */
function logName(index: number): string {
  return index === 0 ? 'log' : `log.${index}`;
}

/** A name that no reader looks for. */
const NEXT_LOG = 'next-log';

/** Begins a new file. It is made before the others are renamed, so that where none can be made all stays as it is. */
function rotate({ maxFiles, maxFileBytes }: LogLimits, otherwise: Label): Step[] {
  const { directory } = SUPERVISOR;
  const opened = variable('next log');
  const indexes = Array.from({ length: maxFiles - 1 }, (_, index) => maxFiles - 1 - index);
  const move = (from: string, to: string) => {
    return renameat2.step('rotating the log', [directory, from, directory, to, 0], { onError: 'next' });
  };
  return [
    { ...openLogFile(NEXT_LOG, opened), onError: otherwise },
    ...(maxFiles === 1 ? [unlinkat.step('removing the log', [directory, 'log', 0], { onError: 'next' })] : []),
    ...indexes.map((index) => move(logName(index - 1), logName(index))),
    move(NEXT_LOG, 'log'),
    ...renumber(opened, SUPERVISOR.log),
    add(-maxFileBytes, 0, overrun),
  ];
}

function openLogFile(name: string, into: Variable) {
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
  return openat.step('opening the log', [SUPERVISOR.directory, name, flags, 0o600], { into });
}
