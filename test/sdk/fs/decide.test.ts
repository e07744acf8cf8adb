/** docker cp's rules for where a copy goes. */
import { expect, test } from 'vitest';
import { decideTarget, type End } from '../../../sdk/fs/copy/decide.ts';

type Kind = End['kind'];

test.each<[source: string, Kind, target: string, Kind, goesTo: string]>([
  ['/a/file', 'other', '/b/new', 'missing', '/b/new'],
  ['/a/file', 'other', '/b/there', 'other', '/b/there'],
  ['/a/file', 'other', '/b', 'directory', '/b/file'],
  ['/a/file', 'other', '/', 'directory', '/file'],
  ['/a/tree', 'directory', '/b/new', 'missing', '/b/new'],
  ['/a/tree', 'directory', '/b/new/', 'missing', '/b/new'],
  ['/a/tree/.', 'directory', '/b/new/.', 'missing', '/b/new'],
  ['/a/tree', 'directory', '/b', 'directory', '/b/tree'],
  ['/a/tree/', 'directory', '/b', 'directory', '/b/tree'],
  ['/a/tree/.', 'directory', '/b', 'directory', '/b'],
  ['/', 'directory', '/b', 'directory', '/b'],
  ['/a/..', 'directory', '/b', 'directory', '/b'],
  ['/a/.hidden', 'directory', '/b', 'directory', '/b/.hidden'],
])('%s (%s) copied to %s (%s) becomes %s', (source, sourceKind, target, targetKind, goesTo) => {
  expect(decideTarget({ path: source, kind: sourceKind }, { path: target, kind: targetKind })).toBe(goesTo);
});

test.each<[source: string, Kind, target: string, Kind, code: string]>([
  ['/a/nothing', 'missing', '/b', 'directory', 'SOURCE_NOT_FOUND'],
  ['/a/file', 'other', '/b/new/', 'missing', 'TARGET_NOT_FOUND'],
  ['/a/file', 'other', '/b/c/new', 'nowhere', 'TARGET_NOT_FOUND'],
  ['/a/tree', 'directory', '/b/c/new/', 'nowhere', 'TARGET_NOT_FOUND'],
  ['/a/tree', 'directory', '/b/file', 'other', 'NOT_A_DIRECTORY'],
  ['/a/file', 'other', '/b/file/', 'other', 'NOT_A_DIRECTORY'],
])('%s (%s) copied to %s (%s) is refused: %s', (source, sourceKind, target, targetKind, code) => {
  const decide = () => decideTarget({ path: source, kind: sourceKind }, { path: target, kind: targetKind });
  expect(decide).toThrow(expect.objectContaining({ code }));
});

test.each([
  ['/b/c/new', '/b/c'],
  ['/b/c/new/', '/b/c'],
  ['/b/c/new/.', '/b/c'],
])('the error of a copy to %s says that %s is not there', (path, above) => {
  const decide = () => decideTarget({ path: '/a', kind: 'directory' }, { path, kind: 'nowhere' });
  expect(decide).toThrow(`there is no directory '${above}' to make '${path}' in`);
});
