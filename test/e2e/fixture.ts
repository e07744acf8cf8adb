/** What every file of containers starts with: a store of its own, and a look after each test at what is left. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { transformSync } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, inject, type TestContext } from 'vitest';
import { ownIds } from '../../store/index.ts';
import { expectNothingLeft, type Traces, traces } from '../support/leftovers.ts';
import { requires } from '../support/requires.ts';
import { removeTree, temporaryDirectory } from '../support/temporary.ts';

/** Whether containers are made with root's privileges, or in a user namespace. */
export const isRoot = process.getuid?.() === 0;

/** Whether containers have users besides 0: root's do, and those of a user who has subordinate ids. */
export const hasUsers = ownIds().kind !== 'single';

/** How many times slower than a desktop this machine is (see vitest.config.ts). */
export const slowness = Number(process.env.CAISSON_TEST_SLOW ?? 1);

/**
 * Gives the file a store of its own, and fails each of its tests that leaves a process, a mount, a descriptor of
 * this process or a directory in that store.
 *
 * @returns the store's directory
 */
export function privateStore(): string {
  const store = mkdtempSync(join(tmpdir(), 'caisson-e2e-'));
  process.env.CAISSON_ROOT = store;
  let before: Traces;
  // What this process opens once and keeps is open from then on: its lock in the store, the compiler of scripts, the
  // inotify of its event loop.
  beforeAll(async () => {
    transformSync('');
    watch(store).close();
    await Container.run(Image.host(), ['true']);
  });
  beforeEach(() => {
    before = traces({ stores: [store] });
  });
  afterEach(() => expectNothingLeft(before, { stores: [store] }));
  afterAll(() => removeTree(store));
  return store;
}

/** The tree of busybox, as an image. */
export function busybox(context: TestContext): Image {
  return Image.directory(busyboxTree(context));
}

/** Where the tree of busybox is; nobody writes to it. */
export function busyboxTree(context: TestContext): string {
  const { busybox } = inject('images');
  requires(context, busybox, 'busybox-static');
  return busybox;
}

/** A copy of that tree, for a test to change. */
export function busyboxCopy(context: TestContext): string {
  const copy = temporaryDirectory(context, 0o755);
  execFileSync('cp', ['-a', `${busyboxTree(context)}/.`, copy]);
  return copy;
}

/** The command line for a shell script. */
export function sh(script: string): string[] {
  return ['sh', '-c', script];
}
