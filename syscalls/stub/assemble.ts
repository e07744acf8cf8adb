/**
 * Compiles steps into the bytes that the interpreter walks: records first, then variables, then the strings and
 * structs that arguments point to. Pure: addresses come from `base`, and the result can be compared in a test.
 */
import { type Declaration, numberOf } from '../define.ts';
import { errnoNumber } from '../error.ts';
import type { Architecture } from '../libc.ts';
import { type Argument, isKind, type Memory, type Pointer, type Variable, variable } from '../memory.ts';
import type { EqualStep, Label, LabelStep, Step } from '../step.ts';
import { FAILURE_SIZE, OPERATION, RECORD, RECORD_SIZE } from './record.ts';

const RECORD_WORDS = RECORD_SIZE / 8;

/** Where and for what a program is assembled. */
export interface Target {
  readonly arch: Architecture;
  /** The address its first byte will have. */
  readonly base: number;
  /** What ends the program after its last step, and what a failed step without `onError` goes to. */
  readonly epilogue: readonly MachineStep[];
  /** The addresses of records outside of the program, by the labels that steps go to. */
  readonly labels?: ReadonlyMap<Label, number> | undefined;
  /** The address of a variable that is another program's; undefined of all others. */
  readonly variableAt?: ((name: string) => number | undefined) | undefined;
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

/** Takes the result of a step that branches on its error and keeps its result nowhere. */
const ERROR = variable('(error)');

/** Where to go: a label, or the row at an index. */
type Goto = Label | number;

/** A step on its way to a record, with every branch in words. */
interface Row {
  readonly step: Exclude<MachineStep, LabelStep>;
  /** Where its result goes. */
  readonly into: Variable | undefined;
  /** The step's place among those given, for reports. */
  readonly index: number;
  readonly next: Goto;
  readonly otherwise: Goto;
}

/**
 * Assembles steps for a target.
 * @throws TypeError for a label that no step has or that two have
 */
export function assemble(steps: readonly Step[], target: Target): Assembled {
  const { base, arch, variableAt } = target;
  const { rows, labels } = layOut([...steps, ...target.epilogue]);
  const tableSize = rows.length * RECORD_SIZE;
  const data = new DataSection(base + tableSize, variableAt);
  const scratch = data.variable('(unused result)');
  // First, so that no step before takes such a variable to be anywhere else.
  for (const { step } of rows) {
    for (const value of argumentsOf(step))
      if (isKind(value, 'memory') && value.pointers.some(isVariable)) data.place(value);
  }
  const words = new Uint32Array(tableSize / 4);
  const rowAt = (row: number) => base + RECORD_SIZE * row;
  const addressOf = (goto: Goto) =>
    typeof goto === 'number' ? rowAt(goto) : (target.labels?.get(goto) ?? rowAt(labelled(labels, goto)));

  rows.forEach(({ step, into, next, otherwise }, at) => {
    const word = (field: number, value: number | bigint) => setWord(words, at * RECORD_WORDS + field, value);
    let indirect = 0;
    argumentsOf(step).forEach((value, argument) => {
      if (value === 0) return;
      word(RECORD.arguments + argument, data.place(value));
      if (isKind(value, 'variable')) indirect |= 1 << argument;
    });
    word(RECORD.number, step.kind === 'call' ? numberOf(step.call, arch) : OPERATION[step.kind]);
    word(RECORD.store, into === undefined ? scratch : data.cell(into));
    word(RECORD.next, addressOf(next));
    word(RECORD.otherwise, addressOf(otherwise));
    if (indirect !== 0) word(RECORD.indirect, indirect);
  });

  const bytes = new Uint8Array(tableSize + data.size);
  bytes.set(new Uint8Array(words.buffer));
  bytes.set(data.bytes, tableSize);
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
export function reportTo(
  descriptor: Argument,
  { write, exit }: { write: Declaration; exit: Declaration },
): MachineStep[] {
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

/**
 * Gives each step its row. An `onError` by name becomes comparisons, which go behind all steps: nothing falls into
 * them.
 */
function layOut(steps: readonly MachineStep[]): { rows: Row[]; labels: ReadonlyMap<Label, number> } {
  const labels = new Map<Label, number>();
  const rows: Row[] = [];
  const chains: Row[] = [];
  const firstChain = steps.filter(({ kind }) => kind !== 'label').length;
  steps.forEach((step, index) => {
    if (step.label !== undefined) {
      if (labels.has(step.label)) throw new TypeError(`two steps have the label '${step.label}'`);
      labels.set(step.label, rows.length);
    }
    if (step.kind === 'label') return;
    const following = rows.length + 1;
    const resolve = (label: Label | undefined): Goto => (label === undefined || label === 'next' ? following : label);
    const next = resolve('next' in step ? step.next : undefined);
    if (step.kind === 'equal') {
      rows.push({ step, into: undefined, index, next, otherwise: resolve(step.otherwise) });
    } else if (step.kind !== 'call' || typeof step.onError !== 'object') {
      const onError = step.kind === 'call' ? (step.onError as Label | undefined) : undefined;
      const into = 'into' in step ? step.into : undefined;
      rows.push({ step, into, index, next, otherwise: onError === undefined ? REPORT : resolve(onError) });
    } else {
      const handlers = Object.entries(step.onError);
      const into = step.into ?? ERROR;
      const otherwise = handlers.length === 0 ? REPORT : firstChain + chains.length;
      rows.push({ step, into, index, next, otherwise });
      handlers.forEach(([name, label], position) => {
        const test: EqualStep = { kind: 'equal', left: into, right: -errnoNumber(name) };
        const isLast = position === handlers.length - 1;
        const otherwise = isLast ? REPORT : firstChain + chains.length + 1;
        chains.push({ step: test, into: undefined, index, next: resolve(label), otherwise });
      });
    }
  });
  return { rows: [...rows, ...chains], labels };
}

function labelled(labels: ReadonlyMap<Label, number>, label: Label): number {
  const row = labels.get(label);
  if (row === undefined) throw new TypeError(`no step has the label '${label}'`);
  return row;
}

function isVariable({ to }: Pointer): boolean {
  return isKind(to, 'variable');
}

function argumentsOf(step: Row['step']): readonly Argument[] {
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

/** In halves, since a BigInt for each of a thousand words would be most of the time an assembly takes. */
function setWord(words: Uint32Array, index: number, value: number | bigint): void {
  const low = typeof value === 'bigint' ? Number(BigInt.asUintN(32, value)) : value >>> 0;
  const high = typeof value === 'bigint' ? Number(BigInt.asUintN(32, value >> 32n)) : Math.floor(value / 2 ** 32) >>> 0;
  words[index * 2] = low;
  words[index * 2 + 1] = high;
}

/** The part of a program behind its records. Strings and memory are placed once, however often they are used. */
class DataSection {
  readonly #base: number;
  readonly #variableAt: Target['variableAt'];
  #bytes = Buffer.alloc(8192);
  #size = 0;
  readonly #placed = new Map<string | Uint8Array | Memory, number>();
  readonly #variables = new Map<string, number>();

  constructor(base: number, variableAt: Target['variableAt']) {
    this.#base = base;
    this.#variableAt = variableAt;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  /** The address of a variable, wherever it is. */
  cell({ name, at }: Variable): number {
    return at ?? this.variable(name);
  }

  /** The address of a variable. */
  variable(name: string): number {
    let address = this.addressOf(name);
    if (address === undefined) {
      address = this.#base + this.#reserve(8, 8);
      this.#variables.set(name, address);
    }
    return address;
  }

  /** The address of a variable that some step uses, here or in the other program. */
  addressOf(name: string): number | undefined {
    return this.#variables.get(name) ?? this.#variableAt?.(name);
  }

  /** The word that stands for a value: an integer itself, the address of anything else. */
  place(value: Argument): number | bigint {
    if (value === null) return 0;
    if (typeof value === 'number' || typeof value === 'bigint') return value;
    if (isKind(value, 'variable')) return this.cell(value);
    if (isKind(value, 'address')) return this.cell(value.of);
    let address = this.#placed.get(value);
    if (address === undefined) {
      address = this.#base + this.#append(value);
      this.#placed.set(value, address);
    }
    return address;
  }

  #append(value: string | Uint8Array | Memory): number {
    if (typeof value === 'string') {
      const at = this.#reserve(Buffer.byteLength(value) + 1, 1);
      this.#bytes.write(value, at);
      return at;
    }
    const { bytes, pointers } = value instanceof Uint8Array ? { bytes: value, pointers: [] } : value;
    const at = this.#reserve(bytes.length, 8);
    this.#bytes.set(bytes, at);
    for (const { offset, to } of pointers) {
      if (isKind(to, 'variable')) {
        if (this.addressOf(to.name) !== undefined) throw new TypeError(`variable '${to.name}' cannot be in two places`);
        this.#variables.set(to.name, this.#base + at + offset);
        continue;
      }
      const word = BigInt.asUintN(64, BigInt(this.place(to)));
      this.#bytes.writeBigUInt64LE(word, at + offset);
    }
    return at;
  }

  #reserve(size: number, alignment: number): number {
    const at = Math.ceil(this.#size / alignment) * alignment;
    this.#size = at + size;
    if (this.#size > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#size));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }
}
