/**
 * Compiles steps into the bytes that the interpreter walks: records first, then variables, then the strings and
 * structs that arguments point to. Pure: addresses come from `base`, and the result can be compared in a test.
 */
import { numberOf, type Declaration } from '../define.ts';
import { errnoNumber } from '../error.ts';
import type { Architecture } from '../libc.ts';
import { type Argument, isKind, type Memory } from '../memory.ts';
import type { Label, Step } from '../step.ts';
import { FAILURE_SIZE, OPERATION, RECORD, RECORD_SIZE } from './record.ts';

/** Where and for what a program is assembled. */
export interface Target {
  readonly arch: Architecture;
  /** The address its first byte will have. */
  readonly base: number;
  /** What ends the program after its last step, and what a failed step without `onError` goes to. */
  readonly epilogue: readonly MachineStep[];
}

/** A step that only the assembler's caller writes: how the machine itself ends or reports. */
export type MachineStep =
  | Step
  | { readonly kind: 'failure'; readonly to: Memory; readonly label?: Label }
  | { readonly kind: 'return'; readonly value: Argument; readonly label?: Label };

/** The label that failed steps go to: an epilogue must have it. */
export const REPORT: Label = 'report';

/** An assembled program. */
export interface Assembled {
  /** Records, variables and data; to be placed at the target's base. The first record is the entry. */
  readonly bytes: Uint8Array;
  /** The step that the record at `address` came from, as an index into the steps given. */
  stepAt(address: number): number | undefined;
  /** Where a variable's eight bytes are, as an offset into `bytes`. */
  offsetOf(name: string): number | undefined;
}

interface Row {
  readonly step: MachineStep;
  readonly index: number;
  readonly next: Label | undefined;
  readonly otherwise: Label | undefined;
}

/**
 * Assembles steps for a target.
 * @throws TypeError for a label that no step has or that two have
 */
export function assemble(steps: readonly Step[], target: Target): Assembled {
  const rows = expand([...steps, ...target.epilogue]);
  const places = locateLabels(rows);
  const { base, arch } = target;
  const data = new DataSection(base + rows.length * RECORD_SIZE);
  const scratch = data.variable('(unused result)');

  const records = rows.map((row, at) => {
    const addressOfLabel = (label: Label | undefined) => {
      if (label === undefined || label === 'next') return base + (at + 1) * RECORD_SIZE;
      const place = places.get(label);
      if (place === undefined) throw new TypeError(`no step has the label '${label}'`);
      return base + place * RECORD_SIZE;
    };
    const args = argumentsOf(row.step).map((value) => data.place(value));
    return {
      number: numberFor(row.step, arch),
      args,
      store: 'into' in row.step && row.step.into !== undefined ? data.variable(row.step.into.name) : scratch,
      next: addressOfLabel(row.next),
      otherwise: addressOfLabel(row.otherwise),
    };
  });

  const bytes = new Uint8Array(rows.length * RECORD_SIZE + data.size);
  const view = new DataView(bytes.buffer);
  records.forEach(({ number, args, store, next, otherwise }, at) => {
    const word = (field: number, value: number | bigint) => writeWord(view, at * RECORD_SIZE + field * 8, value);
    word(RECORD.number, number);
    let indirect = 0;
    args.forEach((value, argument) => {
      word(RECORD.arguments + argument, value.word);
      if (value.indirect) indirect |= 1 << argument;
    });
    word(RECORD.store, store);
    word(RECORD.next, next);
    word(RECORD.otherwise, otherwise);
    word(RECORD.indirect, indirect);
  });
  data.writeTo(bytes, rows.length * RECORD_SIZE);

  return {
    bytes,
    stepAt(address) {
      const index = rows[(address - base) / RECORD_SIZE]?.index;
      return index !== undefined && index < steps.length ? index : undefined;
    },
    offsetOf(name) {
      const address = data.addressOf(name);
      return address === undefined ? undefined : address - base;
    },
  };
}

/** An epilogue that writes a report of the failed step to a descriptor and ends the process. */
export function reportTo(descriptor: number, { write, exit }: { write: Declaration; exit: Declaration }): MachineStep[] {
  const report: Memory = { kind: 'memory', bytes: new Uint8Array(FAILURE_SIZE), pointers: [] };
  const call = (declaration: Declaration, args: Argument[]): MachineStep => {
    return { kind: 'call', call: declaration, args, purpose: 'reporting a failure', onError: 'next' };
  };
  return [
    { kind: 'failure', to: report, label: REPORT },
    call(write, [descriptor, report, FAILURE_SIZE]),
    call(exit, [127]),
  ];
}

/** Turns each `onError` by name into a chain of comparisons behind its step. */
function expand(steps: readonly MachineStep[]): Row[] {
  const rows: Row[] = [];
  const chains: { label: Label; row: Row; handlers: [string, Label][] }[] = [];
  steps.forEach((step, index) => {
    if (step.kind === 'equal') {
      rows.push({ step, index, next: step.then, otherwise: step.otherwise });
    } else if (step.kind !== 'call') {
      rows.push({ step, index, next: 'next' in step ? step.next : undefined, otherwise: undefined });
    } else if (typeof step.onError === 'object') {
      const label = `(errors of step ${index})`;
      const into = step.into ?? { kind: 'variable', name: `(result of step ${index})` };
      const row = { step: { ...step, into }, index, next: step.next, otherwise: label };
      rows.push(row);
      chains.push({ label, row, handlers: Object.entries(step.onError) });
    } else {
      rows.push({ step, index, next: step.next, otherwise: step.onError ?? REPORT });
    }
  });
  // The chains come last, where no step falls into them; "next" must then be a label of the row behind the step.
  for (const { label, row, handlers } of chains) {
    const at = rows.indexOf(row);
    handlers.forEach(([name, goto], position) => {
      const into = row.step.kind === 'call' ? row.step.into : undefined;
      const step: Step = {
        kind: 'equal',
        left: into ?? 0,
        right: -errnoNumber(name),
        ...(position === 0 ? { label } : {}),
      };
      rows.push({
        step,
        index: row.index,
        next: goto === 'next' ? `(row ${at + 1})` : goto,
        otherwise: position === handlers.length - 1 ? REPORT : undefined,
      });
    });
  }
  return rows;
}

function locateLabels(rows: readonly Row[]): Map<Label, number> {
  const places = new Map<Label, number>();
  rows.forEach(({ step }, at) => {
    places.set(`(row ${at})`, at);
    if (step.label === undefined) return;
    if (places.has(step.label)) throw new TypeError(`two steps have the label '${step.label}'`);
    places.set(step.label, at);
  });
  return places;
}

function argumentsOf(step: MachineStep): readonly Argument[] {
  switch (step.kind) {
    case 'call':
      return step.args;
    case 'failure':
      return [step.to];
    case 'return':
      return [step.value];
    default:
      return [step.left, step.right];
  }
}

function numberFor(step: MachineStep, arch: Architecture): number {
  return step.kind === 'call' ? numberOf(step.call, arch) : OPERATION[step.kind];
}

function writeWord(view: DataView, offset: number, value: number | bigint): void {
  if (typeof value === 'bigint') {
    view.setBigUint64(offset, BigInt.asUintN(64, value), true);
  } else {
    // Two halves, because a BigInt for each of a thousand words would be most of the time an assembly takes.
    view.setUint32(offset, value >>> 0, true);
    view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000) >>> 0, true);
  }
}

interface Word {
  readonly word: number | bigint;
  readonly indirect: boolean;
}

/** The part of a program behind its records. Strings and memory are placed once, however often they are used. */
class DataSection {
  readonly #base: number;
  #size = 0;
  readonly #placed = new Map<string | Uint8Array | Memory, number>();
  readonly #variables = new Map<string, number>();
  readonly #chunks: { at: number; bytes: Uint8Array }[] = [];

  constructor(base: number) {
    this.#base = base;
  }

  get size(): number {
    return this.#size;
  }

  /** The address of a variable. */
  variable(name: string): number {
    let address = this.#variables.get(name);
    if (address === undefined) {
      address = this.#append(new Uint8Array(8), 8);
      this.#variables.set(name, address);
    }
    return address;
  }

  /** The address of a variable that some step uses. */
  addressOf(name: string): number | undefined {
    return this.#variables.get(name);
  }

  /** The word that stands for an argument in a record. */
  place(value: Argument): Word {
    if (isKind(value, 'variable')) return { word: this.variable(value.name), indirect: true };
    return { word: this.#wordOf(value), indirect: false };
  }

  writeTo(bytes: Uint8Array, start: number): void {
    for (const { at, bytes: chunk } of this.#chunks) bytes.set(chunk, start + at);
  }

  #wordOf(value: Argument): number | bigint {
    if (value === null) return 0;
    if (typeof value === 'number' || typeof value === 'bigint') return value;
    if (isKind(value, 'address')) return this.variable(value.of.name);
    if (isKind(value, 'variable')) throw new TypeError(`variable '${value.name}' cannot be in memory: give its address`);
    const known = this.#placed.get(value);
    if (known !== undefined) return known;
    const address = this.#placeNew(value);
    this.#placed.set(value, address);
    return address;
  }

  #placeNew(value: string | Uint8Array | Memory): number {
    if (typeof value === 'string') return this.#append(Buffer.from(`${value}\0`), 1);
    if (value instanceof Uint8Array) return this.#append(value, 8);
    const bytes = Uint8Array.from(value.bytes);
    const address = this.#append(bytes, 8);
    const view = new DataView(bytes.buffer);
    for (const { offset, to } of value.pointers) writeWord(view, offset, this.#wordOf(to));
    return address;
  }

  #append(bytes: Uint8Array, alignment: number): number {
    const at = Math.ceil(this.#size / alignment) * alignment;
    this.#chunks.push({ at, bytes });
    this.#size = at + bytes.length;
    return this.#base + at;
  }
}
