/**
 * One scenario in a process of its own. Its arguments say what is done:
 *
 *     trace NAME INPUTS ROOT      prints every operation
 *     fail NAME INPUTS ROOT       lets one operation after the other fail, each in a store of its own
 *     die NAME INPUTS ROOT        copies the store before each change: what a process that dies there leaves
 *     cut NAME INPUTS ROOT        does so while layers are not on the disk yet, and empties them: what a power cut leaves
 *     kill NAME INPUTS ROOT AT    dies at that change
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../../syscalls/index.ts';
import { describeStore, listImages, openStore, type Store, unpackImage } from '../support/doors.ts';
import { loseUnsynced } from '../support/lose-unsynced.ts';
import { describeTree } from '../support/tree.ts';
import { checkStore, type Expected, imagesIn } from './health.ts';
import { type Operation, setFault } from './hook.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';

const [mode = '', name = '', inputs = '', root = '', at = ''] = process.argv.slice(2);
const scenario = SCENARIOS[name] as Scenario;
const act = (store: Store) => scenario.act(store, inputs);

async function prepare(path: string): Promise<Store> {
  const store = openStore(path);
  await scenario.prepare(store, inputs);
  return store;
}

/** What there is before and after, in a store where nothing fails. */
async function learn(): Promise<Expected> {
  const store = await prepare(`${root}-learn`);
  const before = imagesIn(store);
  const layers = new Map<string, string[]>();
  const remember = () => {
    for (const hex of readdirSync(store.layers)) {
      layers.set(`sha256:${hex}`, describeTree(join(store.layers, hex)));
    }
  };
  remember();
  await act(store);
  remember();
  return { before, after: imagesIn(store), layers, act };
}

async function trace(store: Store): Promise<Operation[]> {
  const operations: Operation[] = [];
  setFault((operation) => {
    operations.push(operation);
    return undefined;
  });
  await act(store);
  setFault();
  return operations;
}

/** What takes room fails for want of it, the rest because the disk is broken. */
const NEEDS_ROOM = /^(open|mkdir|write|rename|link|symlink|mknod|fsync|syncfs|ftruncate)/;
const IN_WORDS = ['STORE_FULL', 'ENOSPC', 'EIO', 'LAYER_NOT_UNPACKED', 'LAYER_NOT_PACKED'];
/** Where what is to be removed cannot be, it is left to who comes later. */
const IS_REMOVAL = /^(unlink|rmdir|readdir|fstat|lstat|openat|renameat2|chmod)/;

async function failEach(expected: Expected): Promise<{ operations: number; problems: string[] }> {
  const problems: string[] = [];
  for (let nth = 1; ; nth++) {
    const store = await prepare(`${root}-${nth}`);
    let count = 0;
    let failed: Operation | undefined;
    setFault((operation) => {
      if (++count !== nth) return undefined;
      failed = operation;
      return operation.isChange && NEEDS_ROOM.test(operation.name) ? 'ENOSPC' : 'EIO';
    });
    const error = await act(store).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    setFault();
    if (failed === undefined) return { operations: nth - 1, problems };
    const { name, paths } = failed;
    const report = (problem: string) => problems.push(`${nth}, ${name} ${paths.join(' ')}: ${problem}`);
    if (error === undefined && imagesIn(store) !== expected.after) report('it failed in silence');
    if (error !== undefined && !hasCode(error, ...IN_WORDS)) report(`it says ${String(error)}`);
    if (!IS_REMOVAL.test(name)) for (const each of readdirSync(store.tmp)) report(`tmp/${each} is left`);
    for (const problem of await checkStore(store, expected)) report(problem);
    removeStore(store.root);
  }
}

/** What is tested here is small: what changes more than this would go on for ever. */
const MAX_CHANGES = 500;

/** Copies of the store before changes: what somebody who dies there leaves. */
async function copyAtEach(isWanted = () => true): Promise<{ readonly path: string; readonly operation: Operation }[]> {
  const store = await prepare(root);
  const copies: { readonly path: string; readonly operation: Operation }[] = [];
  setFault((operation) => {
    if (!operation.isChange || !isWanted()) return undefined;
    const path = `${root}-${copies.length + 1}`;
    if (copies.length > MAX_CHANGES) throw new Error(`it does not end: ${operation.name} ${operation.paths.join(' ')}`);
    copies.push({ path, operation });
    copyStore(path);
    return undefined;
  });
  await act(store);
  setFault();
  return copies;
}

/** While it copies, the process that syncs may remove its note: then it finds one file less the next time. */
function copyStore(path: string): void {
  try {
    execFileSync('cp', ['-a', root, path], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    if (!/unsynced.*No such file/.test(String(error))) throw error;
    removeStore(path);
    copyStore(path);
  }
}

/** In what was just used, the process that syncs may make a note of a snapshot meanwhile. */
function removeStore(path: string): void {
  try {
    rmSync(path, { recursive: true });
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY')) throw error;
    removeStore(path);
  }
}

async function dieAtEach(expected: Expected): Promise<{ operations: number; problems: string[] }> {
  const copies = await copyAtEach();
  const problems: string[] = [];
  for (const [index, { path, operation }] of copies.entries()) {
    const found = await checkStore(openStore(path), { ...expected, isSwept: true });
    removeStore(path);
    problems.push(...found.map((each) => `${index + 1}, ${operation.name} ${operation.paths.join(' ')}: ${each}`));
  }
  return { operations: copies.length, problems };
}

async function cutAtEach(expected: Expected): Promise<{ operations: number; problems: string[] }> {
  const problems: string[] = [];
  let operations = 0;
  const { unsynced } = describeStore(root);
  const isUnsynced = () => existsSync(unsynced) && readdirSync(unsynced).length > 0;
  for (const { path, operation } of await copyAtEach(isUnsynced)) {
    if (loseUnsynced(path) > 0) {
      operations++;
      const store = openStore(path);
      for (const { digest } of listImages(store)) await unpackImage(store, digest);
      const found = await checkStore(store, { ...expected, isSwept: true });
      problems.push(...found.map((each) => `${operation.name} ${operation.paths.join(' ')}: ${each}`));
    }
    removeStore(path);
  }
  return { operations, problems };
}

async function killAt(store: Store, last: number): Promise<void> {
  let count = 0;
  setFault(({ isChange }) => {
    if (isChange && ++count === last) process.kill(process.pid, 'SIGKILL');
    return undefined;
  });
  await act(store);
}

const MODES: Readonly<Record<string, () => Promise<unknown>>> = {
  trace: async () => trace(await prepare(root)),
  fail: async () => failEach(await learn()),
  die: async () => dieAtEach(await learn()),
  cut: async () => cutAtEach(await learn()),
  kill: async () => killAt(await prepare(root), Number(at)),
};

console.log(JSON.stringify(await MODES[mode]?.()));
