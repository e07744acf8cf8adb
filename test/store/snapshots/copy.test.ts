import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyTree } from '../../../store/snapshots/copy.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { UNPRIVILEGED_UID } from '../../support/unprivileged.ts';
import { makeTreeOfAllKinds } from '../support/all-kinds.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { runStoreScript } from '../support/script.ts';

const isRoot = process.getuid?.() === 0;

test.runIf(isRoot)(
  'a copy has owners, modes, times, attributes, devices and hard links as they are',
  async (context) => {
    const directory = temporaryDirectory(context);
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    mkdirSync(from);
    makeTreeOfAllKinds(from);
    execFileSync('mknod', [join(from, 'whiteout'), 'c', '0', '0']);
    execFileSync('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', join(from, 'dir')]);
    await copyTree(from, to);
    expect(fingerprint(to)).toEqual(fingerprint(from));
    expect(
      execFileSync('getfattr', [
        '--absolute-names',
        '-n',
        'trusted.overlay.opaque',
        '--only-values',
        join(to, 'dir'),
      ]).toString(),
    ).toBe('y');
  },
);

test('holes stay holes, also at the end of a file', async (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, 'from'));
  const fd = openSync(join(directory, 'from/sparse'), 'w');
  writeSync(fd, 'begin', 0);
  writeSync(fd, 'middle', 20 * 1024 * 1024);
  ftruncateSync(fd, 40 * 1024 * 1024);
  closeSync(fd);
  await copyTree(join(directory, 'from'), join(directory, 'to'));
  const [from, to] = ['from', 'to'].map((name) => join(directory, name, 'sparse')) as [string, string];
  expect(readFileSync(to).equals(readFileSync(from))).toBe(true);
  expect(statSync(to).blocks).toBeLessThanOrEqual(statSync(from).blocks);
});

test('files with several names are one file with these names, however deep they lie', async (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, 'from/a/b'), { recursive: true });
  writeFileSync(join(directory, 'from/z'), 'content');
  linkSync(join(directory, 'from/z'), join(directory, 'from/a/b/first'));
  await copyTree(join(directory, 'from'), join(directory, 'to'));
  expect(statSync(join(directory, 'to/z')).ino).toBe(statSync(join(directory, 'to/a/b/first')).ino);
  expect(statSync(join(directory, 'to/z')).nlink).toBe(2);
});

test('an abort stops a copy on its way', async (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, 'from'));
  for (let index = 0; index < 300; index++) writeFileSync(join(directory, 'from', String(index)), '');
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(copyTree(join(directory, 'from'), join(directory, 'to'), signal)).rejects.toBe(reason);
  expect(readdirSync(join(directory, 'to')).length).toBeLessThan(300);
});

test('files that their owner may not read are copied, and closed again', async (context) => {
  const script = `
    import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
    import { copyTree } from 'store';
    const directory = mkdtempSync('/tmp/caisson-test-');
    const closed = (name) => directory + '/' + name + '/closed';
    mkdirSync(closed('from'), { recursive: true });
    writeFileSync(closed('from') + '/file', 'secret');
    chmodSync(closed('from') + '/file', 0);
    chmodSync(closed('from'), 0);
    try {
      await copyTree(directory + '/from', directory + '/to');
      for (const name of ['from', 'to']) {
        const mode = statSync(closed(name)).mode & 0o7777;
        chmodSync(closed(name), 0o700);
        console.log(mode, statSync(closed(name) + '/file').mode & 0o7777);
      }
      chmodSync(closed('to') + '/file', 0o400);
      console.log(readFileSync(closed('to') + '/file', 'utf8'));
    } finally {
      for (const name of ['from', 'to']) chmodSync(closed(name), 0o700);
      rmSync(directory, { recursive: true });
    }
  `;
  const { stdout, stderr } = await runStoreScript(context, script, [], { uid: UNPRIVILEGED_UID });
  expect([stdout, stderr]).toEqual(['0 0\n0 0\nsecret\n', '']);
});
