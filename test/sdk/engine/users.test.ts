import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readImageUsers, readUsers } from '../../../sdk/engine/users.ts';
import type { UserFiles } from '../../../sdk/spec/user-files.ts';
import { expectNothingLeft, traces } from '../../support/leftovers.ts';
import { rootWith } from '../../support/root-with.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const isRoot = process.getuid?.() === 0;

describe('the users of an image', () => {
  test('are read again when those of one that may change have changed', (context) => {
    const root = rootWith(context, { passwd: 'first:x:1:1::/:\n' });
    expect(namesIn(image(root))).toEqual(['first']);
    expect(usersOf(image(root))).toBe(usersOf(image(root)));
    writeFileSync(join(root, 'etc/passwd'), 'second:x:1:1::/:\n');
    expect(namesIn(image(root))).toEqual(['second']);
  });

  test('are read again when they are in a file that is linked', (context) => {
    const root = rootWith(context, { pw2: 'first:x:1:1::/:\n' });
    symlinkSync('/etc/pw2', join(root, 'etc/passwd'));
    expect(namesIn(image(root))).toEqual(['first']);
    writeFileSync(join(root, 'etc/pw2'), 'second:x:1:1::/:\n');
    expect(namesIn(image(root))).toEqual(['second']);
  });

  test('of one that cannot change are read once', (context) => {
    const fixed = { ...image(rootWith(context, { passwd: 'first:x:1:1::/:\n' })), mayChange: false };
    expect(usersOf(fixed)).toBe(usersOf(fixed));
  });

  test('are those of the uppermost layer that has them: layers are given lowest first', (context) => {
    const lower = rootWith(context, { passwd: 'lower:x:1:1::/:\n' });
    const upper = rootWith(context, { passwd: 'upper:x:1:1::/:\n' });
    expect(namesIn(image(lower, upper))).toEqual(['upper']);
  });

  test('are where a link leads to, in whichever layer that is, and never outside', (context) => {
    const lower = rootWith(context, { pw2: 'lower:x:1:1::/:\n' });
    const upper = rootWith(context, {});
    symlinkSync('/../../etc/pw2', join(upper, 'etc/passwd'));
    symlinkSync(join(lower, 'etc/pw2'), join(upper, 'etc/group'));
    expect(namesIn(image(lower, upper))).toEqual(['lower']);
    expect(usersOf(image(lower, upper)).group).toEqual([]);
  });

  test('are none where a directory, a FIFO or a link to nowhere hides the file', (context) => {
    const lower = rootWith(context, { passwd: 'lower:x:1:1::/:\n' });
    const [directory, fifo, link] = [rootWith(context, {}), rootWith(context, {}), rootWith(context, {})];
    mkdirSync(join(directory, 'etc/passwd'));
    execFileSync('mkfifo', [join(fifo, 'etc/passwd')]);
    symlinkSync('passwd', join(link, 'etc/passwd'));
    for (const upper of [directory, fifo, link]) expect(namesIn(image(lower, upper)), upper).toEqual([]);
  });

  test.runIf(isRoot)('are none where a whiteout or an opaque directory hides the file', (context) => {
    const lower = rootWith(context, { passwd: 'lower:x:1:1::/:\n' });
    const [whiteout, opaque] = [rootWith(context, {}), rootWith(context, {})];
    execFileSync('mknod', [join(whiteout, 'etc/passwd'), 'c', '0', '0']);
    execFileSync('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(opaque, 'etc')]);
    for (const upper of [whiteout, opaque]) expect(namesIn(image(lower, upper)), upper).toEqual([]);
  });

  test('are none where it has no directory any more', (context) => {
    expect(namesIn(image(join(temporaryDirectory(context), 'missing')))).toEqual([]);
  });
});

test('the users of a container are those of its changes', (context) => {
  const root = image(rootWith(context, { passwd: 'image:x:1:1::/:\n' }));
  const upper = temporaryDirectory(context);
  expect(readUsers(root, upper)).toBe(usersOf(root));
  mkdirSync(join(upper, 'etc'));
  writeFileSync(join(upper, 'etc/passwd'), 'container:x:1:1::/:\n');
  expect(readUsers(root, upper).passwd).toMatchObject([{ name: 'container' }]);
  expect(namesIn(root)).toEqual(['image']);
  expect(readUsers(root, join(upper, 'missing'))).toBe(usersOf(root));
});

test('nothing stays open, whatever is read', async (context) => {
  const before = traces();
  const root = rootWith(context, { passwd: 'a:x:1:1::/:\n', group: 'x'.repeat(1_048_577) });
  for (let count = 0; count < 20; count += 1) expect(() => usersOf(image(root))).toThrow();
  for (let count = 0; count < 20; count += 1) usersOf(image(root, join(root, 'missing')));
  await expectNothingLeft(before);
});

function image(...layers: string[]) {
  return { layers, views: [], mayChange: true, isComplete: false };
}

function usersOf(root: ReturnType<typeof image>): UserFiles {
  return readImageUsers(root, '/nowhere');
}

function namesIn(root: ReturnType<typeof image>): string[] {
  return usersOf(root).passwd.map(({ name }) => name);
}
