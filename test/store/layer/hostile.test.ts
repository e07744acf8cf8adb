/**
 * Layers that want to write where they are not unpacked. Whatever becomes of them, refused or made harmless: what
 * lies beside the layer is as before. The cases are those of moby's, containerd's and umoci's own tests.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/temporary.ts';
import { unpackInto } from '../support/layers.ts';
import type { Entry } from '../support/tar-writer.ts';
import { describeTree } from '../support/tree.ts';

const evil = { content: 'evil' };
const ATTACKS: readonly (readonly [string, (outside: string) => readonly Entry[]])[] = [
  ['.. at the start', () => [{ name: '../outside/victim', ...evil }]],
  ['.. in the middle', () => [{ name: 'a/../../outside/victim', ...evil }]],
  ['.. at the end', () => [{ name: 'a/..', type: '5' }]],
  ['.. in a PAX path', () => [{ name: 'a', pax: { path: '../outside/victim' }, ...evil }]],
  [
    '.. in a long name of GNU',
    () => [
      { name: 'L', type: 'L', content: '../outside/victim\0' },
      { name: 'a', ...evil },
    ],
  ],
  ['an absolute name', (outside) => [{ name: `${outside}/victim`, ...evil }]],
  ['an absolute name with many slashes', (outside) => [{ name: `//.//${outside}/victim`, ...evil }]],
  [
    'a link as parent',
    (outside) => [
      { name: 'up', type: '2', link: outside },
      { name: 'up/victim', ...evil },
    ],
  ],
  [
    'a relative link as parent',
    () => [
      { name: 'up', type: '2', link: '../outside' },
      { name: 'up/victim', ...evil },
    ],
  ],
  [
    'a chain of links as parents',
    () => [
      { name: 'a', type: '2', link: '..' },
      { name: 'b', type: '2', link: 'a/outside' },
      { name: 'b/victim', ...evil },
    ],
  ],
  [
    'a link in the place of the file',
    (outside) => [
      { name: 'victim', type: '2', link: `${outside}/victim` },
      { name: 'victim', ...evil },
    ],
  ],
  [
    'a directory that becomes a link',
    (outside) => [
      { name: 'dir/inside', content: 'inside' },
      { name: 'dir', type: '2', link: outside },
      { name: 'dir/victim', ...evil },
    ],
  ],
  [
    'a directory that becomes a link and then gets its mode',
    (outside) => [
      { name: 'dir', type: '5', mode: 0o777 },
      { name: 'dir', type: '2', link: outside },
    ],
  ],
  [
    'a hard link to the outside by ..',
    () => [
      { name: 'hard', type: '1', link: '../outside/victim' },
      { name: 'hard', ...evil },
    ],
  ],
  [
    'a hard link to the outside by an absolute name',
    (outside) => [{ name: 'hard', type: '1', link: `${outside}/victim` }],
  ],
  [
    'a hard link to the outside through a link',
    (outside) => [
      { name: 'up', type: '2', link: outside },
      { name: 'hard', type: '1', link: 'up/victim' },
    ],
  ],
  [
    'a hard link to a link to the outside, then written',
    (outside) => [
      { name: 'soft', type: '2', link: `${outside}/victim` },
      { name: 'hard', type: '1', link: 'soft' },
      { name: 'hard', ...evil },
    ],
  ],
  ['a hard link relative to where the process is', () => [{ name: 'hard', type: '1', link: 'package.json' }]],
  ['a whiteout through a link', (outside) => [{ name: 'up', type: '2', link: outside }, { name: 'up/.wh.victim' }]],
  [
    'an opaque directory through a link',
    (outside) => [{ name: 'up', type: '2', link: outside }, { name: 'up/.wh..wh..opq' }],
  ],
  ['a whiteout of ..', () => [{ name: '.wh...' }]],
  ['a whiteout of .', () => [{ name: '.wh..' }]],
  ['a whiteout of nothing', () => [{ name: '.wh.' }]],
  ['a whiteout of a path', () => [{ name: '.wh.../../outside/victim' }]],
  ['something in a whiteout', () => [{ name: '.wh.a/victim', ...evil }]],
  [
    'attributes through a link',
    (outside) => [
      { name: 'victim', type: '2', link: `${outside}/victim`, mode: 0o777, pax: { 'SCHILY.xattr.user.evil': 'evil' } },
    ],
  ],
  [
    'a loop of links',
    () => [
      { name: 'a', type: '2', link: 'b' },
      { name: 'b', type: '2', link: 'a' },
      { name: 'a/b/victim', ...evil },
    ],
  ],
];

/** As root, owners are set too, and to that a link would be another way out. */
const WHO = process.geteuid?.() === 0 ? ['root', 'others'] : ['others'];

describe.for(WHO)('unpacked as for %s', (who) => {
  test.for(ATTACKS)('%s reaches nothing outside', async ([, entries], context) => {
    const directory = temporaryDirectory(context);
    const outside = join(directory, 'outside');
    mkdirSync(outside, { mode: 0o700 });
    writeFileSync(join(outside, 'victim'), 'victim', { mode: 0o600 });
    const before = describeTree(outside);
    const owned = entries(outside).map((entry) => ({ uid: 1000, gid: 1000, ...entry }));
    await unpackInto(directory, owned, who === 'root').catch((error: unknown) => {
      const code = expect.stringMatching(/^LAYER_(INVALID|NOT_UNPACKED)$/);
      expect(error).toMatchObject({ name: 'CaissonError', code });
    });
    expect(describeTree(outside)).toEqual(before);
    expect(describeTree(directory).filter((line) => !/ (root|outside)\//.test(line))).toEqual([]);
  });
});
