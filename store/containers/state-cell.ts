/**
 * How far a container is: 80 bytes that are overwritten in place, by one writer at a time (who made it, or its
 * supervisor), and read by anybody.
 *
 *     seq · phase · pid · startedAt (sec, nsec) · status · restarts · finishedAt (sec, nsec) · seq     little-endian u64
 *
 * The writer notes an end before it reaps the process. So as long as a living writer's cell says `running`, its pid is
 * that of the container's first process and of nobody else.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { containerPaths, type Store } from '../layout.ts';

/** What a state cell says. */
export interface CellState {
  /** How often it was written. */
  readonly seq: number;
  readonly phase: Phase;
  /** The id of the first process on the host. After the end, it may be another's. */
  readonly pid: number;
  readonly startedAt: Date | null;
  /** How the last first process ended, as wait4(2) says it; {@link UNKNOWN_STATUS} when nobody saw it. */
  readonly status: number;
  /** How often it was started again by itself. */
  readonly restarts: number;
  readonly finishedAt: Date | null;
}

/** `ending`: its end is seen, and its process not reaped yet. `waiting`: to be started again. */
export type Phase = 'created' | 'running' | 'ending' | 'exited' | 'waiting';

const PHASES: readonly Phase[] = ['created', 'running', 'ending', 'exited', 'waiting'];

/** The size of a cell. */
export const CELL_BYTES = 80;

/** How often a cell is read that is just being written. */
const MAX_READS = 1000;

/** In place of a status: its writer was gone when it ended. No process ends with this (sys/wait.h). */
export const UNKNOWN_STATUS = 0xffff_ffff;

/** A cell as it lies in its file. */
export function encodeCell(state: CellState): Buffer {
  const bytes = Buffer.alloc(CELL_BYTES);
  const [startSec, startNsec] = timespec(state.startedAt);
  const [endSec, endNsec] = timespec(state.finishedAt);
  const { seq, phase, pid, status, restarts } = state;
  const words = [seq, PHASES.indexOf(phase), pid, startSec, startNsec, status, restarts, endSec, endNsec, seq];
  words.forEach((word, index) => {
    // By halves: bigint would cost more than the write itself.
    bytes.writeUInt32LE(word % 0x1_0000_0000, index * 8);
    bytes.writeUInt32LE(Math.floor(word / 0x1_0000_0000), index * 8 + 4);
  });
  return bytes;
}

/** Reads a cell; undefined when it was being written meanwhile, or is none. */
export function decodeCell(bytes: Buffer): CellState | undefined {
  if (bytes.length !== CELL_BYTES) return undefined;
  const word = (index: number) => bytes.readUInt32LE(index * 8) + bytes.readUInt32LE(index * 8 + 4) * 0x1_0000_0000;
  const phase = PHASES[word(1)];
  if (word(0) !== word(9) || phase === undefined) return undefined;
  return {
    seq: word(0),
    phase,
    pid: word(2),
    startedAt: dateOf(word(3), word(4)),
    status: word(5),
    restarts: word(6),
    finishedAt: dateOf(word(7), word(8)),
  };
}

/**
 * Reads how far a container is; undefined where there is none.
 * @throws CaissonError RECORD_INVALID when what is there is no state cell
 */
export function readContainerState(store: Store, id: string): CellState | undefined {
  const { state: path } = containerPaths(store, id);
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  try {
    const bytes = Buffer.alloc(CELL_BYTES);
    for (let reads = 0; reads < MAX_READS; reads++) {
      const state = decodeCell(bytes.subarray(0, readSync(descriptor, bytes, 0, CELL_BYTES, 0)));
      if (state !== undefined) return state;
    }
    throw new CaissonError('RECORD_INVALID', `'${path}' does not say how far the container is`);
  } finally {
    closeSync(descriptor);
  }
}

/** The one who writes a cell. */
export class CellWriter {
  readonly #descriptor: number;
  #state: CellState;

  /** Opens the cell of a container that is this thread's. */
  constructor(path: string, state: CellState) {
    this.#descriptor = openSync(path, 'r+');
    this.#state = state;
  }

  /** What it says now. */
  get state(): CellState {
    return this.#state;
  }

  /** Changes what it says. */
  write(changes: Partial<Omit<CellState, 'seq'>>): void {
    this.#state = { ...this.#state, ...changes, seq: this.#state.seq + 1 };
    writeSync(this.#descriptor, encodeCell(this.#state), 0, CELL_BYTES, 0);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/**
 * Notes the end of a container whose writer was killed, or went down with the machine: the pid in its cell may be
 * anybody's by now. Only for whoever holds the container's lock, and so is the one writer.
 */
export function settleLost(store: Store, id: string): void {
  const state = readContainerState(store, id);
  if (state === undefined || state.phase === 'created' || state.phase === 'exited') return;
  const cell = new CellWriter(containerPaths(store, id).state, state);
  try {
    cell.write({ phase: 'exited', status: UNKNOWN_STATUS, finishedAt: null });
  } finally {
    cell.close();
  }
}

/** What is in the cell of a container that was never started. */
export const CREATED: CellState = {
  seq: 0,
  phase: 'created',
  pid: 0,
  startedAt: null,
  status: 0,
  restarts: 0,
  finishedAt: null,
};

function timespec(time: Date | null): [sec: number, nsec: number] {
  const milliseconds = time?.getTime() ?? 0;
  return [Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1_000_000];
}

function dateOf(sec: number, nsec: number): Date | null {
  return sec === 0 ? null : new Date(sec * 1000 + Math.floor(nsec / 1_000_000));
}
