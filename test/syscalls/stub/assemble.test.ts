import { describe, expect, test } from 'vitest';
import {
  type Argument,
  add,
  addressOf,
  and,
  assemble,
  define,
  equal,
  exit_group,
  getpid,
  jump,
  label,
  memory,
  openat,
  read,
  reportTo,
  type Step,
  setsid,
  shift,
  stringArray,
  variable,
  write,
} from '../../../syscalls/index.ts';

const BASE = 0x10_0000;
const RECORD = 88;
/** The report of a failure, which every program here ends in, has three records. */
const EPILOGUE = 3;

test('a call is its number, its arguments, where its result goes, and where to go on', () => {
  const result = variable('result');
  const { record, addressOfVariable, addressOfRow } = program([
    write.step('writing', [1, null, 5], { into: result }),
    exit_group.step('ending', [0]),
  ]);
  const report = addressOfRow(2);
  expect(record(0)).toEqual([1n, 1n, 0n, 5n, 0n, 0n, 0n, addressOfVariable('result'), addressOfRow(1), report, 0n]);
  expect(record(1).slice(0, 7)).toEqual([231n, 0n, 0n, 0n, 0n, 0n, 0n]);
  expect(record(1).slice(8)).toEqual([addressOfRow(2), report, 0n]);
});

test('the same steps for arm64 differ in the numbers of calls only', () => {
  const steps = [write.step('writing', [1, 'text', 4]), exit_group.step('ending', [0])];
  const [x64, arm64] = [program(steps), program(steps, 'arm64')];
  expect([x64.record(0)[0], x64.record(1)[0]]).toEqual([1n, 231n]);
  expect([arm64.record(0)[0], arm64.record(1)[0]]).toEqual([64n, 94n]);
  for (const row of [0, 1, 2, 3, 4]) expect(arm64.record(row).slice(1)).toEqual(x64.record(row).slice(1));
  expect(arm64.bytes.subarray(5 * RECORD)).toEqual(x64.bytes.subarray(5 * RECORD));
});

test('a call that the architecture lacks is refused', () => {
  const only = define<[]>('int only_here(void)', { x64: 1 });
  expect(() => program([only.step('calling', [])], 'arm64')).toThrow(
    new TypeError('there is no system call only_here on arm64'),
  );
});

test('the epilogue writes the last failed record and its error, 16 bytes, and exits with 127', () => {
  const { record, addressOfRow, bytes } = program([setsid.step('starting a session', [])]);
  expect(record(0)[9]).toBe(addressOfRow(1));
  const [number, report = 0n, ...rest] = record(1);
  expect([number, ...rest.slice(0, 5), record(1)[8], record(1)[10]]).toEqual([
    BigInt.asUintN(64, -4n),
    ...[0n, 0n, 0n, 0n, 0n],
    addressOfRow(2),
    0n,
  ]);
  expect(record(2).slice(0, 4)).toEqual([1n, 3n, report, 16n]);
  expect(record(3).slice(0, 2)).toEqual([231n, 127n]);
  expect(Number(report) - BASE + 16).toBeLessThanOrEqual(bytes.length);
});

describe('branches', () => {
  test('"next" of a call, an equal and a jump are addresses of records', () => {
    const { record, addressOfRow } = program([
      getpid.step('asking', [], { next: 'end', label: 'start' }),
      equal(1, 2, { next: 'start', otherwise: 'end' }),
      equal(1, 2, {}),
      jump('start'),
      label('end'),
      exit_group.step('ending', [0]),
    ]);
    expect(record(0)[8]).toBe(addressOfRow(4));
    const equals = BigInt.asUintN(64, -1n);
    expect(record(1).slice(0, 3)).toEqual([equals, 1n, 2n]);
    expect(record(1).slice(8, 10)).toEqual([addressOfRow(0), addressOfRow(4)]);
    expect(record(2).slice(8, 10)).toEqual([addressOfRow(3), addressOfRow(3)]);
    expect(record(3).slice(0, 3)).toEqual([equals, 0n, 0n]);
    expect(record(3).slice(8, 10)).toEqual([addressOfRow(0), addressOfRow(0)]);
  });

  test('an onError that is a label is where every failure goes, and "next" is the step behind', () => {
    const { record, addressOfRow } = program([
      getpid.step('asking', [], { onError: 'end' }),
      getpid.step('asking', [], { onError: 'next' }),
      exit_group.step('ending', [0], { label: 'end' }),
    ]);
    expect(record(0)[9]).toBe(addressOfRow(2));
    expect(record(1)[9]).toBe(addressOfRow(2));
  });

  test('an onError by name is a chain of comparisons behind all steps, which ends in the report', () => {
    const opened = variable('opened');
    const { record, addressOfRow, addressOfVariable } = program([
      openat.step('opening', [-100, '/x', 0, 0], { into: opened, onError: { ENOENT: 'end', ENOTDIR: 'next' } }),
      getpid.step('asking', []),
      exit_group.step('ending', [0], { label: 'end' }),
    ]);
    const chain = 3 + EPILOGUE;
    const result = addressOfVariable('opened');
    const compare = BigInt.asUintN(64, -1n);
    expect(record(0)[7]).toBe(result);
    expect(record(0)[9]).toBe(addressOfRow(chain));
    expect(record(chain).slice(0, 3)).toEqual([compare, result, BigInt.asUintN(64, -2n)]);
    expect(record(chain).slice(8)).toEqual([addressOfRow(2), addressOfRow(chain + 1), 1n]);
    expect(record(chain + 1).slice(0, 3)).toEqual([compare, result, BigInt.asUintN(64, -20n)]);
    expect(record(chain + 1).slice(8)).toEqual([addressOfRow(1), addressOfRow(3), 1n]);
  });

  test('an onError by name works for a step that keeps its result nowhere', () => {
    const { record, addressOfRow } = program([
      getpid.step('asking', [], { onError: { EPERM: 'next' } }),
      exit_group.step('ending', [0]),
    ]);
    const chain = 2 + EPILOGUE;
    expect(record(chain)[1]).toBe(record(0)[7]);
    expect(record(chain)[10]).toBe(1n);
    expect(record(chain)[8]).toBe(addressOfRow(1));
  });

  test('an onError without names is no branch: the failure is reported', () => {
    const { record, addressOfRow } = program([getpid.step('asking', [], { onError: {} })]);
    expect(record(0)[9]).toBe(addressOfRow(1));
  });

  test.each<[string, Step]>([
    ['next', getpid.step('asking', [], { next: 'nowhere' })],
    ['onError', getpid.step('asking', [], { onError: 'nowhere' })],
    ['onError by name', getpid.step('asking', [], { onError: { ENOENT: 'nowhere' } })],
    ['otherwise', equal(0, 0, { otherwise: 'nowhere' })],
    ['jump', jump('nowhere')],
  ])('a label that no step has is refused: %s', (_, step) => {
    expect(() => program([step])).toThrow(new TypeError("no step has the label 'nowhere'"));
  });

  test('a label that two steps have is refused', () => {
    const steps = [getpid.step('asking', [], { label: 'twice' }), label('twice')];
    expect(() => program(steps)).toThrow(new TypeError("two steps have the label 'twice'"));
  });

  test('the name of an error that there is not is refused', () => {
    const steps = [getpid.step('asking', [], { onError: { ENOTHING: 'next' } })];
    expect(() => program(steps)).toThrow(new TypeError("unknown error name 'ENOTHING'"));
  });
});

test('add, and, shift are operations -2, -3, -5 of two values, stored in a variable', () => {
  const { record, addressOfVariable, addressOfRow } = program([
    add(1, 2, variable('sum'), { next: 'last' }),
    and(0xff, 0x0f, variable('bits')),
    shift(8, 3, variable('shifted'), { label: 'last' }),
  ]);
  const operation = (number: bigint, left: bigint, right: bigint) => {
    return [BigInt.asUintN(64, number), left, right, 0n, 0n, 0n, 0n];
  };
  expect(record(0).slice(0, 9)).toEqual([...operation(-2n, 1n, 2n), addressOfVariable('sum'), addressOfRow(2)]);
  expect(record(1).slice(0, 9)).toEqual([...operation(-3n, 0xffn, 0x0fn), addressOfVariable('bits'), addressOfRow(2)]);
  expect(record(2).slice(0, 9)).toEqual([...operation(-5n, 8n, 3n), addressOfVariable('shifted'), addressOfRow(3)]);
});

describe('arguments', () => {
  test('a variable is its address and its bit in the last word; the address of a variable has no bit', () => {
    const [fd, size] = [variable('fd'), variable('size')];
    const { record, addressOfVariable } = program([
      write.step('writing', [fd, addressOf(fd), size]),
      write.step('writing', [1, addressOf(size), 8]),
    ]);
    const [fdAddress, sizeAddress] = [addressOfVariable('fd'), addressOfVariable('size')];
    expect(record(0).slice(1, 4)).toEqual([fdAddress, fdAddress, sizeAddress]);
    expect(record(0)[10]).toBe(0b101n);
    expect(record(1).slice(1, 4)).toEqual([1n, sizeAddress, 8n]);
    expect(record(1)[10]).toBe(0n);
  });

  test('two variables of one name are one, and start as zero', () => {
    const { record, bytes, addressOfVariable } = program([equal(variable('same'), variable('same'), {})]);
    expect(record(0)[1]).toBe(record(0)[2]);
    expect(word(bytes, Number(addressOfVariable('same')) - BASE)).toBe(0n);
  });

  test.each<[Argument, bigint]>([
    [0, 0n],
    [-1, 0xffff_ffff_ffff_ffffn],
    [-100, 0xffff_ffff_ffff_ff9cn],
    [0xffff_ffff, 0xffff_ffffn],
    [0x1_0000_0000, 0x1_0000_0000n],
    [-0x1_0000_0000, 0xffff_ffff_0000_0000n],
    [Number.MAX_SAFE_INTEGER, 0x1f_ffff_ffff_ffffn],
    [Number.MIN_SAFE_INTEGER, 0xffe0_0000_0000_0001n],
    [0x8000_0000_0000_0000n, 0x8000_0000_0000_0000n],
    [0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn],
    [-2n, 0xffff_ffff_ffff_fffen],
    [null, 0n],
  ])('%s is the word %s', (value, expected) => {
    const { record } = program([add(value, 0, variable('result'))]);
    expect(record(0)[1]).toBe(expected);
  });

  test('a string is UTF-8 with a NUL, once, however often it is used', () => {
    const { record, at } = program([open('/é'), open('/other'), open('/é')]);
    expect(record(0)[2]).toBe(record(2)[2]);
    expect(record(1)[2]).not.toBe(record(0)[2]);
    expect(at(record(0)[2], 4)).toBe('2fc3a900');
    expect(at(record(1)[2], 7)).toBe('2f6f7468657200');
  });

  test('a buffer is once when it is the same object, else as often as there are objects', () => {
    const [one, other] = [Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)];
    const { record, at } = program([reading(one), reading(one), reading(other)]);
    expect(record(0)[2]).toBe(record(1)[2]);
    expect(record(2)[2]).not.toBe(record(0)[2]);
    expect(at(record(0)[2], 3)).toBe('010203');
    expect(at(record(2)[2], 3)).toBe('010203');
  });

  test('buffers, memory and variables are at multiples of eight, whatever is before them', () => {
    const { record, addressOfVariable } = program([
      open('12345'),
      reading(Uint8Array.of(1)),
      open('1'),
      reading(memory(Uint8Array.of(1))),
      open('12'),
      add(0, 0, variable('behind a string')),
    ]);
    const addresses = [record(1)[2], record(3)[2], addressOfVariable('behind a string')];
    expect(addresses.map((address) => (address ?? 1n) % 8n)).toEqual([0n, 0n, 0n]);
  });

  test('memory holds addresses of strings, memory and variables, and integers as they are', () => {
    const inner = memory(Uint8Array.of(0xaa));
    const outer = memory(new Uint8Array(40).fill(0xff), [
      { offset: 0, to: 'text' },
      { offset: 8, to: inner },
      { offset: 16, to: addressOf(variable('cell')) },
      { offset: 24, to: -1n },
      { offset: 32, to: null },
    ]);
    const { record, bytes, at, addressOfVariable } = program([reading(outer), open('text'), reading(inner)]);
    const start = Number(record(0)[2]) - BASE;
    const words = [0, 8, 16, 24, 32].map((offset) => word(bytes, start + offset));
    expect(words).toEqual([record(1)[2], record(2)[2], addressOfVariable('cell'), 0xffff_ffff_ffff_ffffn, 0n]);
    expect(at(words[0], 5)).toBe('7465787400');
  });

  test('what was given is not written to', () => {
    const bytes = new Uint8Array(16);
    program([reading(memory(bytes, [{ offset: 0, to: 'text' }]))]);
    expect(bytes).toEqual(new Uint8Array(16));
  });

  test('argv is pointers and a NULL', () => {
    const { record, bytes, at } = program([reading(stringArray(['ls', '-l']))]);
    const start = Number(record(0)[2]) - BASE;
    const [first, second, end] = [0, 8, 16].map((offset) => word(bytes, start + offset));
    expect([at(first, 3), at(second, 3), end]).toEqual(['6c7300', '2d6c00', 0n]);
  });

  test('a variable in memory is there, also for the steps before', () => {
    const struct = memory(new Uint8Array(16), [{ offset: 8, to: variable('inside') }]);
    const { record, addressOfVariable } = program([
      add(1, 2, variable('inside')),
      reading(struct),
      reading(struct),
      read.step('reading', [variable('inside'), null, 0]),
    ]);
    expect(addressOfVariable('inside')).toBe((record(1)[2] as bigint) + 8n);
    expect([record(0)[7], record(3)[1]]).toEqual([addressOfVariable('inside'), addressOfVariable('inside')]);
    expect(record(2)[2]).toBe(record(1)[2]);
  });

  test('a variable cannot be in two places', () => {
    const [one, two] = [1, 2].map(() => memory(new Uint8Array(8), [{ offset: 0, to: variable('torn') }]));
    expect(() => program([reading(one as never), reading(two as never)])).toThrow(
      new TypeError("variable 'torn' cannot be in two places"),
    );
  });

  test('a megabyte of strings keeps every one of them', () => {
    const strings = Array.from({ length: 1024 }, (_, index) => `${index}`.padEnd(1023, '.'));
    const { record, bytes } = program([reading(stringArray(strings))]);
    const start = Number(record(0)[2]) - BASE;
    strings.forEach((text, index) => {
      const offset = Number(word(bytes, start + index * 8)) - BASE;
      expect(Buffer.from(bytes.subarray(offset, offset + 1024)).toString()).toBe(`${text}\0`);
    });
  });
});

describe('what is told of an assembled program', () => {
  const steps = [
    label('begin'),
    getpid.step('asking', [], { onError: { EPERM: 'begin', ENOENT: 'next' }, into: variable('pid') }),
    exit_group.step('ending', [0]),
  ];

  test('stepAt gives the step of a record, of a comparison of its errors too', () => {
    const { stepAt } = program(steps);
    const chain = 2 + EPILOGUE;
    const at = (row: number) => stepAt(BASE + row * RECORD);
    expect([at(0), at(1), at(chain), at(chain + 1)]).toEqual([1, 2, 1, 1]);
  });

  test('stepAt gives nothing for the epilogue, for what is inside or behind a record, or before the program', () => {
    const { stepAt } = program(steps);
    const addresses = [BASE + 2 * RECORD, BASE + 8, BASE + 100 * RECORD, BASE - RECORD, 0];
    expect(addresses.map(stepAt)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });

  test('offsetOf gives the place of a variable that some step uses', () => {
    const { offsetOf, bytes } = program(steps);
    const offset = offsetOf('pid') ?? -1;
    expect(offset).toBeGreaterThanOrEqual((2 + EPILOGUE + 2) * RECORD);
    expect(offset + 8).toBeLessThanOrEqual(bytes.length);
    expect(offsetOf('another')).toBeUndefined();
  });
});

function open(path: string): Step {
  return openat.step('opening', [-100, path, 0, 0]);
}

function reading(buffer: Parameters<typeof read>[1]): Step {
  return read.step('reading', [0, buffer, 1]);
}

/** Assembles steps, with ways to look at the result. */
function program(steps: readonly Step[], arch: 'x64' | 'arm64' = 'x64') {
  const epilogue = reportTo(3, { write, exit: exit_group });
  const assembled = assemble(steps, { arch, base: BASE, epilogue });
  const { bytes, offsetOf } = assembled;
  return {
    ...assembled,
    record: (row: number) => Array.from({ length: 11 }, (_, index) => word(bytes, row * RECORD + index * 8)),
    addressOfRow: (row: number) => BigInt(BASE + row * RECORD),
    addressOfVariable: (name: string) => BigInt(BASE + (offsetOf(name) ?? Number.NaN)),
    /** Bytes at an address, in hexadecimal. */
    at: (address: bigint | undefined, length: number) => {
      const offset = Number(address) - BASE;
      return Buffer.from(bytes.subarray(offset, offset + length)).toString('hex');
    },
  };
}

function word(bytes: Uint8Array, offset: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(offset, true);
}
