import { closeSync, existsSync, mkdirSync, openSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { findDirectory } from '../../../store/layer/find.ts';
import { MERGED } from '../../../store/layer/walk.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** Two layers: what the lower one has at /data is a file's name for the upper one's link. */
function layers(context: TestContext): { lower: string; upper: string; canary: string } {
  const [lower, upper, canary] = [1, 2, 3].map(() => temporaryDirectory(context)) as [string, string, string];
  for (const path of ['data/inner', 'other']) mkdirSync(join(lower, path), { recursive: true });
  mkdirSync(join(upper, 'data/added'), { recursive: true });
  mkdirSync(join(canary, 'outside'));
  return { lower, upper, canary };
}

/** The names in what is found, and how many descriptors were left open. */
function look({ lower, upper }: { lower: string; upper: string }, path: string) {
  const roots = [upper, lower].map((layer) => openSync(layer, 'r'));
  const before = readdirSync('/proc/self/fd').length;
  const found = findDirectory(MERGED, roots, path);
  const names = found && MERGED.names(found);
  if (found !== undefined && found !== roots) for (const fd of found) closeSync(fd);
  const leaked = readdirSync('/proc/self/fd').length - before;
  for (const fd of roots) closeSync(fd);
  return { names, leaked };
}

test('a directory is found in all layers that have it', (context) => {
  const both = layers(context);
  expect(look(both, '/data')).toEqual({ names: ['added', 'inner'], leaked: 0 });
  expect(look(both, '/data/./inner//..')).toEqual({ names: ['added', 'inner'], leaked: 0 });
  expect(look(both, '/')).toEqual({ names: ['data', 'other'], leaked: 0 });
});

test('links lead inside, whatever they say', (context) => {
  const both = layers(context);
  const links = {
    absolute: '/data',
    up: '../../../../data',
    through: '/other/../data/../../data',
    chained: 'absolute/inner/..',
  };
  for (const [name, target] of Object.entries(links)) {
    symlinkSync(target, join(both.upper, name));
    expect(look(both, `/${name}`), name).toEqual({ names: ['added', 'inner'], leaked: 0 });
  }
});

test('what leads outside, in circles or nowhere is not there', (context) => {
  const both = layers(context);
  const deep = '../'.repeat(30);
  const links = {
    host: both.canary,
    climbing: `${deep}${both.canary.slice(1)}`,
    circle: 'circle',
    proc: '/proc/self/cwd',
    nowhere: 'missing',
  };
  for (const [name, target] of Object.entries(links)) {
    symlinkSync(target, join(both.lower, name));
    for (const path of [`/${name}`, `/${name}/outside`, `/data/../${name}/..//${name}`]) {
      expect(look(both, path), path).toEqual({ names: undefined, leaked: 0 });
    }
  }
  expect(existsSync(join(both.canary, 'outside'))).toBe(true);
});
