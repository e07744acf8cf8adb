import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, type TestContext, test } from 'vitest';
import { type Change, listChanges } from '../../../store/layer/changes.ts';
import { AT_FDCWD, lsetxattr, makedev, mknodat, S_IFCHR } from '../../../syscalls/index.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** Directories as overlayfs would have them; in `upper` a name that begins with `-` is a whiteout. */
function makeLayers(context: TestContext, ...layers: readonly (readonly string[])[]): string[] {
  const directory = temporaryDirectory(context);
  return layers.map((names, index) => {
    const root = join(directory, String(index));
    mkdirSync(root);
    for (const name of names) {
      const path = join(root, name.replace('-', ''));
      mkdirSync(join(path, '..'), { recursive: true });
      if (name.endsWith('/')) mkdirSync(path, { recursive: true });
      else if (name.includes('-')) mknodat(AT_FDCWD, path, S_IFCHR, makedev(0, 0));
      else writeFileSync(path, 'x'.repeat(index));
    }
    return root;
  });
}

const opaque = (path: string) => lsetxattr(path, 'user.overlay.opaque', Buffer.from('y'), 1, 0);
const lines = (changes: readonly Change[]) => changes.map(({ kind, path }) => `${kind} ${path}`);

beforeEach(() => {
  const umask = process.umask(0o022);
  return () => void process.umask(umask);
});

test('what several layers show is what was there before', (context) => {
  const [base, middle, upper] = makeLayers(
    context,
    ['a', 'b', 'c', 'd/e'],
    ['-a', 'x', 'd/f'],
    ['a', 'b', '-x', 'd/-f'],
  );
  const lowers = [{ path: base as string }, { path: middle as string }];
  expect(lines(listChanges(upper as string, lowers))).toEqual([
    'added /a',
    'modified /b',
    'modified /d',
    'deleted /d/f',
    'deleted /x',
  ]);
});

test('what a lower layer hides was not there before', (context) => {
  const [base, middle, upper] = makeLayers(context, ['d/a'], ['d/b'], ['d/a', 'd/-b']) as [string, string, string];
  opaque(join(middle, 'd'));
  expect(lines(listChanges(upper, [{ path: base }, { path: middle }]))).toEqual([
    'modified /d',
    'added /d/a',
    'deleted /d/b',
  ]);
});

test('a whiteout of what was not there is no change', (context) => {
  const [base, upper] = makeLayers(context, [], ['-a']) as [string, string];
  expect(listChanges(upper, [{ path: base }])).toEqual([]);
});

test('a directory that only came along is no change, one with another mode is', (context) => {
  const [base, upper] = makeLayers(context, ['a/', 'b/'], ['a/', 'b/']) as [string, string];
  chmodSync(join(upper, 'b'), 0o700);
  expect(lines(listChanges(upper, [{ path: base }]))).toEqual(['modified /b']);
});

test('a directory that is seen at a path is what was there, and nothing else', (context) => {
  const [base, usr, upper] = makeLayers(
    context,
    ['usr/hidden'],
    ['bin/sh'],
    ['usr/bin/sh', 'usr/bin/new', 'usr/hidden'],
  );
  const lowers = [{ path: base as string }, { path: usr as string, target: 'usr' }];
  expect(lines(listChanges(upper as string, lowers))).toEqual([
    'modified /usr',
    'modified /usr/bin',
    'added /usr/bin/new',
    'modified /usr/bin/sh',
    'added /usr/hidden',
  ]);
});

test('the type is of what is there now, or of what is gone', (context) => {
  const [base, upper] = makeLayers(context, ['file', 'directory/'], ['-directory']) as [string, string];
  symlinkSync('nowhere', join(upper, 'file'));
  expect(listChanges(upper, [{ path: base }])).toEqual([
    { path: '/directory', kind: 'deleted', type: 'directory' },
    { path: '/file', kind: 'modified', type: 'symlink' },
  ]);
});

test('a path that is no text is bytes', (context) => {
  const [base, upper] = makeLayers(context, [], ['ä']) as [string, string];
  writeFileSync(Buffer.concat([Buffer.from(`${upper}/`), Buffer.from([0xff])]), '');
  expect(listChanges(upper, [{ path: base }]).map(({ path }) => path)).toEqual(['/ä', Buffer.from([0x2f, 0xff])]);
});
