import { execFileSync } from 'node:child_process';
import { closeSync, linkSync, mkdirSync, openSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { Losses } from '../../../store/layer/attributes.ts';
import { neutralCapability } from '../../../store/layer/capability.ts';
import { treeEntries } from '../../../store/layer/walk.ts';
import type { OutgoingEntry } from '../../../store/layer/write.ts';
import { lsetxattr } from '../../../syscalls/index.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

function openDirectory(context: TestContext, path: string): number {
  const fd = openSync(path, 'r');
  context.onTestFinished(() => closeSync(fd));
  return fd;
}

const text = ({ content }: OutgoingEntry) => Buffer.concat([...(content() as Iterable<Uint8Array>)]).toString();
const names = (entries: Iterable<OutgoingEntry>) => [...entries].map(({ name }) => name.toString('latin1'));

test('a directory comes before what is in it, files before directories, by the bytes of their names', (context) => {
  const directory = temporaryDirectory(context);
  for (const name of ['b/y', 'b/x', 'a', 'B']) mkdirSync(join(directory, name), { recursive: true });
  for (const name of ['b/x/file', 'z', 'Z']) writeFileSync(join(directory, name), '');
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff])]), '');
  const root = openDirectory(context, directory);
  expect(names(treeEntries(root))).toEqual(['.', 'Z', 'z', '\xff', 'B', 'a', 'b', 'b/x', 'b/x/file', 'b/y']);
});

test('the names of one file are one file, and links to it', (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, 'sub'));
  writeFileSync(join(directory, 'sub/first'), 'content');
  linkSync(join(directory, 'sub/first'), join(directory, 'sub/second'));
  symlinkSync('nowhere', join(directory, 'soft'));
  linkSync(join(directory, 'soft'), join(directory, 'sub/soft'));
  const entries = [...treeEntries(openDirectory(context, directory))].map(({ type, name, linkName }) =>
    [type, name, linkName].map(String).join(' '),
  );
  expect(entries.slice(1)).toEqual([
    'symlink soft nowhere',
    'directory sub ',
    'file sub/first ',
    'hardlink sub/second sub/first',
    'hardlink sub/soft soft',
  ]);
});

test('no link is followed, and sockets are counted instead', async (context) => {
  const directory = temporaryDirectory(context);
  symlinkSync('/', join(directory, 'root'));
  const server = createServer().listen(join(directory, 'socket'));
  context.onTestFinished(() => void server.close());
  const losses = new Losses();
  expect(names(treeEntries(openDirectory(context, directory), { losses }))).toEqual(['.', 'root']);
  expect(losses.list()).toEqual(['1 socket left out']);
});

test('a file that becomes shorter or longer is as long as it was', (context) => {
  const directory = temporaryDirectory(context);
  for (const name of ['a', 'b']) writeFileSync(join(directory, name), 'content');
  const contents: string[] = [];
  for (const entry of treeEntries(openDirectory(context, directory))) {
    if (entry.type !== 'file') continue;
    writeFileSync(join(directory, String(entry.name)), entry.name.toString() === 'a' ? 'con' : 'content and more');
    contents.push(text(entry));
  }
  expect(contents).toEqual(['con\0\0\0\0', 'content']);
});

test('what is gone when it is its turn is left out', (context) => {
  const directory = temporaryDirectory(context);
  for (const name of ['sub/a', 'sub/b']) mkdirSync(join(directory, name), { recursive: true });
  const found: string[] = [];
  for (const { name } of treeEntries(openDirectory(context, directory))) {
    found.push(String(name));
    if (String(name) === 'sub/a') execFileSync('rm', ['-r', join(directory, 'sub/b')]);
  }
  expect(found).toEqual(['.', 'sub', 'sub/a']);
});

test('owners are written as who reads the tree says', (context) => {
  const directory = temporaryDirectory(context);
  const owner = () => [7, 8] as const;
  const [root] = treeEntries(openDirectory(context, directory), { owner });
  expect(root).toMatchObject({ uid: 7, gid: 8 });
});

test("attributes are kept, but for overlay's own and those whose names no archive holds", (context) => {
  const directory = temporaryDirectory(context);
  for (const name of ['user.kept', 'user.a=b', 'user.overlay.opaque']) {
    lsetxattr(directory, name, Buffer.from([0, 0xff]), 2, 0);
  }
  const losses = new Losses();
  const [root] = treeEntries(openDirectory(context, directory), { losses });
  expect(root?.xattrs).toEqual(new Map([['user.kept', Buffer.from([0, 0xff])]]));
  expect(losses.list()).toEqual(["1 attribute 'user.a=b' left out: an archive cannot hold their name"]);
});

test('capabilities for one user namespace become capabilities for any', () => {
  const any = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  expect(neutralCapability(Buffer.from('0100000300200000000000000000000000000000e8030000', 'hex'))).toEqual(any);
  expect(neutralCapability(any)).toBe(any);
});

test('a tree that is too deep is refused, and no descriptor stays open', (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, 'd/'.repeat(600)), { recursive: true });
  const root = openDirectory(context, directory);
  const before = readdirSync('/proc/self/fd').length;
  expect(() => [...treeEntries(root)]).toThrow(/in more than 512 directories/);
  expect(readdirSync('/proc/self/fd')).toHaveLength(before);
});

test('a walk that is not finished closes what it opened', (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, 'sub'));
  writeFileSync(join(directory, 'sub/file'), '');
  const root = openDirectory(context, directory);
  const before = readdirSync('/proc/self/fd').length;
  for (const { type } of treeEntries(root)) if (type === 'file') break;
  expect(readdirSync('/proc/self/fd')).toHaveLength(before);
});
