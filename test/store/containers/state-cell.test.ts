import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  type CellState,
  CellWriter,
  CREATED,
  createContainerDirectory,
  readContainerState,
} from '../../../store/containers/index.ts';
import { decodeCell, encodeCell } from '../../../store/containers/state-cell.ts';
import { openStore } from '../../../store/layout.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { runStoreScript } from '../support/script.ts';

const RUNNING: CellState = {
  seq: 7,
  phase: 'running',
  pid: 4_194_303,
  startedAt: new Date(1_700_000_000_123),
  status: 0,
  restarts: 3,
  finishedAt: null,
};

test('a cell is ten little-endian words, the first and the last the same', () => {
  const bytes = encodeCell(RUNNING);
  expect(Array.from({ length: 10 }, (_, index) => bytes.readBigUInt64LE(index * 8))).toEqual([
    7n,
    1n,
    4_194_303n,
    1_700_000_000n,
    123_000_000n,
    0n,
    3n,
    0n,
    0n,
    7n,
  ]);
});

test.each([
  CREATED,
  RUNNING,
  { ...RUNNING, phase: 'ending', status: 9 },
  { ...RUNNING, phase: 'exited', status: 0x8b, finishedAt: new Date(1_700_000_001_999) },
  { ...RUNNING, phase: 'waiting', seq: 2 ** 40 },
] as const)('what is written is read: $phase', (state) => {
  expect(decodeCell(encodeCell(state))).toEqual(state);
});

test('a cell that is just being written, or is none, is not read', () => {
  const torn = encodeCell(RUNNING);
  torn.writeBigUInt64LE(8n, 0);
  expect(decodeCell(torn)).toBeUndefined();
  const unknown = encodeCell(RUNNING);
  unknown.writeBigUInt64LE(5n, 8);
  expect(decodeCell(unknown)).toBeUndefined();
  expect(decodeCell(encodeCell(RUNNING).subarray(0, 72))).toBeUndefined();
});

test('a container begins as created, and its cell is overwritten in place', (context) => {
  const store = openStore(temporaryDirectory(context));
  const { state: path } = createContainerDirectory(store, 'box');
  expect(readContainerState(store, 'box')).toEqual(CREATED);
  const { ino } = statSync(path);
  const writer = new CellWriter(path, CREATED);
  writer.write({ phase: 'running', pid: 42, startedAt: new Date(1000) });
  writer.write({ phase: 'exited', status: 256, finishedAt: new Date(2000) });
  writer.close();
  expect(readContainerState(store, 'box')).toEqual({
    seq: 2,
    phase: 'exited',
    pid: 42,
    startedAt: new Date(1000),
    status: 256,
    restarts: 0,
    finishedAt: new Date(2000),
  });
  expect([statSync(path).ino, readFileSync(path).length]).toEqual([ino, 80]);
});

test('of a container that is not there, there is no state; what is no cell is an error', (context) => {
  const store = openStore(temporaryDirectory(context));
  expect(readContainerState(store, 'box')).toBeUndefined();
  const { state: path } = createContainerDirectory(store, 'box');
  truncateSync(path, 40);
  expect(() => readContainerState(store, 'box')).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
});

test('whoever reads while another writes sees one state or the next, and never a mixture', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  const { state: path } = createContainerDirectory(store, 'box');
  writeFileSync(path, encodeCell(CREATED));
  const writing = runStoreScript(
    context,
    `import { CellWriter, CREATED } from 'store';
     const writer = new CellWriter(process.argv[2], CREATED);
     for (let i = 1; i <= 30_000; i++) writer.write({ phase: 'running', pid: i, restarts: i, startedAt: new Date(i * 1000) });
     console.log('done');`,
    [path],
  );
  let last = 0;
  let isDone = false;
  void writing.then(() => {
    isDone = true;
  });
  while (!isDone) {
    for (let reads = 0; reads < 200; reads++) {
      const { seq, pid, restarts, startedAt } = readContainerState(store, 'box') as CellState;
      expect([pid, restarts, startedAt?.getTime() ?? 0]).toEqual([seq, seq, seq * 1000]);
      expect(seq).toBeGreaterThanOrEqual(last);
      last = seq;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await writing).stdout).toBe('done\n');
  expect(readContainerState(store, 'box')?.seq).toBe(30_000);
});
