/**
 * The interpreter inside this process: one page of code, never writable once it is executable, and a table
 * behind it. One per thread, made at the first launch and kept.
 */
import { shared } from '../copies.ts';
import { architecture, loadKoffi } from '../libc.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, mmap, mprotect, PROT_EXEC, PROT_READ, PROT_WRITE } from '../process.ts';
import { MACHINES } from './machine.ts';

const CODE_SIZE = 0x1_0000; // a whole page on every arm64 kernel
/** For an image of some hundred layers; what is never touched is never there. */
const TABLE_SIZE = 0x10_0000;

/** A place to put an assembled program and run it on the calling thread. */
export interface Page {
  /** The address to assemble for. */
  readonly base: number;
  /** The table's memory; valid for the life of the thread. */
  readonly table: Uint8Array;
  /** Puts an assembled program there. */
  load(program: Uint8Array): void;
  /** Walks the table from its first record, and returns what its `return` operation gives. */
  run(): number;
}

const pages = shared<{ own?: Page }>('page', () => ({}));

/** This thread's page. */
export function interpreterPage(): Page {
  pages.own ??= mapPage();
  return pages.own;
}

function mapPage(): Page {
  const koffi = loadKoffi();
  const machine = MACHINES[architecture()];
  const address = mmap(null, CODE_SIZE + TABLE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const memory = new Uint8Array(koffi.view(BigInt(address), CODE_SIZE + TABLE_SIZE));
  memory.set(machine.enterFunction, 0);
  memory.set(machine.interpreter, machine.enterFunction.length);
  mprotect(BigInt(address), CODE_SIZE, PROT_READ | PROT_EXEC);

  const enter = koffi.decode(BigInt(address), koffi.proto('long (long table)')) as (table: number) => number;
  const base = address + CODE_SIZE;
  const table = memory.subarray(CODE_SIZE);
  return { base, table, load: (program) => table.set(program), run: () => Number(enter(base)) };
}
