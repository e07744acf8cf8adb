/** What differs between processors: the interpreter's bytes. Everything else of a stub is the same. */
import type { Architecture } from '../libc.ts';
import { ARM64 } from './arm64.ts';
import { X64 } from './x64.ts';

/** The code that walks a table of records, for one processor. */
export interface Machine {
  /** `e_machine` of its ELF files (elf.h). */
  readonly elfMachine: number;
  /** Sets the record register to a 32-bit address: where a stub starts. */
  startAt(record: number): Uint8Array;
  /** Saves the registers a C function must keep and takes the first record from its argument. */
  readonly enterFunction: Uint8Array;
  /** The interpreter, position-independent. */
  readonly interpreter: Uint8Array;
}

/** The machines that stubs are assembled for. */
export const MACHINES: Readonly<Record<Architecture, Machine>> = { x64: X64, arm64: ARM64 };
