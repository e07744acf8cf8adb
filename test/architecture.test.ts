import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { brokenArrows } from './support/arrows.ts';
import { ROOT } from './support/built-package.ts';
import { filesBelow, importsOf, parseImports } from './support/imports.ts';

describe('the tree', () => {
  const files = filesBelow(ROOT);

  test('imports go examples → sdk → store → syscalls, through index.ts, without cycles', () => {
    const sources = files.filter((file) => /^(examples|sdk|store|syscalls)\/.*\.ts$/.test(file));
    expect(sources).not.toEqual([]);
    expect(brokenArrows(sources.flatMap((file) => importsOf(ROOT, file)))).toEqual([]);
  });

  test('only .ci/run knows what lies beside the repository', () => {
    const beside = ['..', 'shared'].join('/');
    const knowing = files.filter((file) => readFileSync(join(ROOT, file), 'utf8').includes(beside));
    expect(knowing.filter((file) => file !== '.ci/run')).toEqual([]);
  });

  test('the top level holds what ARCHITECTURE.md lists and nothing else', () => {
    const folders = ['.ci', 'examples', 'sdk', 'store', 'syscalls', 'test'];
    const tops = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]));
    expect([...tops].filter((top) => !folders.includes(top ?? ''))).toEqual([]);
  });
});

describe('the rules', () => {
  test.each([
    ['store/images.ts', "import { Container } from '../sdk/index.ts';"],
    ['syscalls/mount.ts', "import { digest } from '../store/index.ts';"],
    ['store/lock.ts', "import koffi from 'koffi';"],
    ['sdk/container.ts', "const koffi = require('koffi');"],
    ['examples/hello.ts', "import { Container } from '../sdk/index.ts';"],
    ['examples/hello.ts', "import got from 'got';"],
    ['sdk/image.ts', "export { digest } from '../store/digest.ts';"],
    ['sdk/image.ts', "type Digest = import('../store/digest.ts').Digest;"],
    ['store/images.ts', "const { apply } = await import('../test/apply.ts');"],
  ])('refuse in %s: %s', (file, source) => {
    expect(brokenArrows(parseImports(file, source))).toHaveLength(1);
  });

  test.each([
    ['examples/hello.ts', "import { Container } from 'caisson';"],
    ['examples/raw.ts', "import { unshare } from 'caisson/syscalls';"],
    ['sdk/image.ts', "import { blobs } from '../store/index.ts';"],
    ['store/lock.ts', "import { flock } from '../syscalls/index.ts';"],
    ['store/registry/pull.ts', "import { request } from 'undici';"],
    ['syscalls/stub/elf.ts', "import { define } from '../define.ts';"],
    ['syscalls/libc.ts', "const koffi = require('koffi');"],
  ])('accept in %s: %s', (file, source) => {
    expect(brokenArrows(parseImports(file, source))).toEqual([]);
  });

  test('refuse a way past the index.ts of a folder in a folder', () => {
    const index = parseImports('sdk/plan/index.ts', "export { mounts } from './mounts.ts';");
    const past = parseImports('sdk/container.ts', "import { mounts } from './plan/mounts.ts';");
    expect(brokenArrows([...index, ...past])).toEqual([
      'sdk/container.ts imports sdk/plan/mounts.ts: enter through sdk/plan/index.ts',
    ]);
  });

  test('refuse a cycle, but not one of types alone', () => {
    const there = parseImports('sdk/a.ts', "import { b } from './b.ts';");
    const back = parseImports('sdk/b.ts', "import { a } from './a.ts';");
    const backForTypes = parseImports('sdk/b.ts', "import type { A } from './a.ts';");
    expect(brokenArrows([...there, ...back])).toEqual(['import cycle: sdk/a.ts → sdk/b.ts → sdk/a.ts']);
    expect(brokenArrows([...there, ...backForTypes])).toEqual([]);
  });
});
