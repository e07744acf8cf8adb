import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/temporary.ts';
import { attribute, unpackInto } from '../support/layers.ts';

const OPAQUE = 'user.overlay.opaque';
const directoryAt = (name: string) => ({ name, type: '5', mode: 0o755 });

function isWhiteout(path: string): boolean {
  const stats = lstatSync(path);
  return stats.isCharacterDevice() && stats.rdev === 0;
}

test('a whiteout becomes a device 0:0, without any privilege', async (context) => {
  const directory = temporaryDirectory(context);
  await unpackInto(directory, [directoryAt('dir'), { name: 'dir/.wh.gone' }]);
  expect(readdirSync(join(directory, 'root/dir'))).toEqual(['gone']);
  expect(isWhiteout(join(directory, 'root/dir/gone'))).toBe(true);
});

test.for([
  ['first', [{ name: 'dir/.wh..wh..opq' }, directoryAt('dir'), { name: 'dir/new' }]],
  ['last', [directoryAt('dir'), { name: 'dir/new' }, { name: 'dir/.wh..wh..opq' }]],
] as const)('a directory is opaque when the archive says so %s', async ([, entries], context) => {
  const directory = temporaryDirectory(context);
  await unpackInto(directory, entries);
  expect(attribute(join(directory, 'root/dir'), OPAQUE)?.toString()).toBe('y');
  expect(readdirSync(join(directory, 'root/dir'))).toEqual(['new']);
});

test.runIf(process.geteuid?.() === 0)('for root, the attribute is the one of root', async (context) => {
  const directory = temporaryDirectory(context);
  await unpackInto(directory, [{ name: 'dir/.wh..wh..opq' }], true);
  expect(attribute(join(directory, 'root/dir'), 'trusted.overlay.opaque')?.toString()).toBe('y');
});

test('a whiteout does not remove what the same layer has', async (context) => {
  const directory = temporaryDirectory(context);
  await unpackInto(directory, [
    { name: 'before', content: '1' },
    { name: '.wh.before' },
    { name: '.wh.after' },
    { name: 'after' },
  ]);
  expect(readdirSync(join(directory, 'root')).filter((name) => isWhiteout(join(directory, 'root', name)))).toEqual([]);
});

test.for([
  ['before', [{ name: '.wh.dir' }, directoryAt('dir'), { name: 'dir/new' }]],
  ['after', [directoryAt('dir'), { name: 'dir/new' }, { name: '.wh.dir' }]],
  ['without an entry for', [{ name: '.wh.dir' }, { name: 'dir/new' }]],
] as const)('a whiteout %s a directory of the same layer makes it hide the one below', async ([, entries], context) => {
  const directory = temporaryDirectory(context);
  await unpackInto(directory, entries);
  expect(attribute(join(directory, 'root/dir'), OPAQUE)?.toString()).toBe('y');
  expect(readdirSync(join(directory, 'root/dir'))).toEqual(['new']);
});

test('in an opaque directory no whiteouts are left, which overlay would list', async (context) => {
  const directory = temporaryDirectory(context);
  await unpackInto(directory, [
    { name: 'dir/.wh.gone' },
    { name: 'dir/sub/.wh.gone' },
    { name: 'dir/kept' },
    { name: 'dir/.wh..wh..opq' },
    { name: 'other/.wh.gone' },
  ]);
  expect(readdirSync(join(directory, 'root/dir'))).toEqual(['kept', 'sub']);
  expect(readdirSync(join(directory, 'root/dir/sub'))).toEqual([]);
  expect(isWhiteout(join(directory, 'root/other/gone'))).toBe(true);
});

test('a device 0:0 in an archive is no whiteout, and not unpacked', async (context) => {
  const directory = temporaryDirectory(context);
  await unpackInto(directory, [{ name: 'fake', type: '3', device: [0, 0] }], process.geteuid?.() === 0);
  expect(readdirSync(join(directory, 'root'))).toEqual([]);
});

test("aufs' own files are left out", async (context) => {
  const directory = temporaryDirectory(context);
  const notes = await unpackInto(directory, [
    directoryAt('.wh..wh.plnk'),
    { name: '.wh..wh.plnk/1.2' },
    { name: '.wh..wh.aufs' },
  ]);
  expect(readdirSync(join(directory, 'root'))).toEqual([]);
  expect(notes).toEqual(['3 files of aufs left out']);
});
