/** The descriptors of a process: what the plan calls them, what they are, and the streams at our end. */
import { close, type Descriptor, variable } from '../../syscalls/index.ts';
import type { Wiring } from '../plan/launch.ts';
import type { ProcessOptions, StdinOption } from '../spec/options.ts';
import { openDescriptorSocket, openPipe, type Pair } from './pipe.ts';

/** What a process's three descriptors are, decided. */
export interface StdioOptions {
  readonly stdin: StdinOption;
  readonly stdout: 'pipe' | 'ignore' | 'inherit';
  readonly stderr: 'pipe' | 'ignore' | 'inherit';
  readonly terminal: boolean;
}

/** Our ends of a process's descriptors: each undefined where it has none of ours. All belong to who gets them. */
export interface Ends {
  readonly stdin: number | undefined;
  readonly stdout: number | undefined;
  readonly stderr: number | undefined;
  /** The socket that the terminal's master arrives through; then the others are undefined. */
  readonly terminal: number | undefined;
}

/** Open descriptors for a process that is about to be launched. */
export interface OpenStdio {
  /** The values of the wiring's variables. */
  readonly values: Readonly<Record<string, number>>;
  /** Closes the process's ends, and hands over ours: after the launch. */
  connect(): Ends;
  /** Closes everything: instead of the launch. */
  abandon(): void;
}

const TERMINAL = 'terminal socket';

/** Decides a process's descriptors from its options. */
export function stdioOptions(options: ProcessOptions, stdin: 'pipe' | 'ignore'): StdioOptions {
  return {
    stdin: options.stdin ?? stdin,
    stdout: options.stdout ?? 'pipe',
    stderr: options.stderr ?? 'pipe',
    terminal: options.tty !== undefined && options.tty !== false,
  };
}

/** What is to be written to a process by us, and not by the user. */
export type InputSource = Exclude<StdinOption, 'pipe' | 'ignore' | 'inherit'>;

/** Whether an option asks us to write something. */
export function isInputSource(option: StdinOption): option is InputSource {
  return option !== 'pipe' && option !== 'ignore' && option !== 'inherit';
}

/** The wiring of a plan for these options. Pure: the descriptors are variables. */
export function wiringOf({ stdin, stdout, stderr, terminal }: StdioOptions): Wiring {
  if (terminal) return { stdio: ['null', 'null', 'null'], extra: [variable(TERMINAL)] };
  const descriptor = (option: unknown, name: string, inherited: number): Descriptor => {
    if (option === 'ignore') return 'null';
    return option === 'inherit' ? inherited : variable(name);
  };
  return {
    stdio: [descriptor(stdin, 'stdin', 0), descriptor(stdout, 'stdout', 1), descriptor(stderr, 'stderr', 2)],
    extra: ['null'],
  };
}

/** Opens what the wiring needs. */
export function openStdio(options: StdioOptions): OpenStdio {
  const pairs = new Map<string, Pair>();
  try {
    openPairs(options, pairs);
  } catch (error) {
    closePairs(pairs, 'both');
    throw error;
  }
  return {
    values: Object.fromEntries([...pairs].map(([name, { theirs }]) => [name, theirs])),
    connect() {
      closePairs(pairs, 'theirs');
      const ours = (name: string) => pairs.get(name)?.ours;
      return { stdin: ours('stdin'), stdout: ours('stdout'), stderr: ours('stderr'), terminal: ours(TERMINAL) };
    },
    abandon: () => closePairs(pairs, 'both'),
  };
}

function openPairs({ stdin, stdout, stderr, terminal }: StdioOptions, pairs: Map<string, Pair>): void {
  if (terminal) {
    pairs.set(TERMINAL, openDescriptorSocket());
    return;
  }
  if (stdin === 'pipe' || isInputSource(stdin)) pairs.set('stdin', openPipe('in'));
  if (stdout === 'pipe') pairs.set('stdout', openPipe('out'));
  if (stderr === 'pipe') pairs.set('stderr', openPipe('out'));
}

/** Closes our ends: when nothing will come of them. */
export function closeEnds(ends: Ends): void {
  for (const descriptor of Object.values(ends)) {
    if (descriptor !== undefined) close(descriptor);
  }
}

function closePairs(pairs: ReadonlyMap<string, Pair>, which: 'theirs' | 'both'): void {
  for (const { ours, theirs } of pairs.values()) {
    close(theirs);
    if (which === 'both') close(ours);
  }
}
