import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import {
  addPauseNote,
  createContainerDirectory,
  discardContainerDirectory,
  forgetPause,
  pauseGroupName,
  readPauseNote,
  replacePauseNote,
} from '../../../store/containers/index.ts';
import { containerPaths, openStore } from '../../../store/layout.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** A container with a note that names a directory in place of a control group, which is removed in the same way. */
function paused(context: TestContext, groupName = pauseGroupName('a')) {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, 'a', {});
  const group = join(temporaryDirectory(context), groupName);
  mkdirSync(group);
  expect(addPauseNote(store, 'a', { run: 1, groups: [group] })).toBe(true);
  return { store, group };
}

test('one note at a time is written, and replaced', (context) => {
  const { store, group } = paused(context);
  expect(addPauseNote(store, 'a', { run: 2, groups: [] })).toBe(false);
  expect(readPauseNote(store, 'a')).toEqual({ run: 1, groups: [group] });
  replacePauseNote(store, 'a', { run: 3, groups: [], stoodStill: [{ pid: 4, startTicks: 5 }] });
  expect(readPauseNote(store, 'a')).toEqual({ run: 3, groups: [], stoodStill: [{ pid: 4, startTicks: 5 }] });
  expect(readPauseNote(store, 'b')).toBeUndefined();
  replacePauseNote(store, 'b', { run: 3, groups: [] });
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('a note that is not whole is of a pause by signals', (context) => {
  const { store } = paused(context);
  writeFileSync(containerPaths(store, 'a').paused, '{"run":');
  expect(readPauseNote(store, 'a')).toEqual({ groups: [], stoodStill: [] });
});

test('a group goes with the note, and with the container', async (context) => {
  const { store, group } = paused(context);
  await forgetPause(store, 'a');
  expect([existsSync(group), readPauseNote(store, 'a')]).toEqual([false, undefined]);
  await forgetPause(store, 'a');
  mkdirSync(group);
  addPauseNote(store, 'a', { run: 1, groups: [group] });
  await discardContainerDirectory(store, 'a');
  expect([existsSync(group), readdirSync(store.containers)]).toEqual([false, []]);
});

test('nothing is removed that is not called as such a group', async (context) => {
  const { store, group } = paused(context, 'else');
  await forgetPause(store, 'a');
  expect([existsSync(group), readPauseNote(store, 'a')]).toEqual([true, undefined]);
});
