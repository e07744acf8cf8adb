/** All of the other files once more, as a user without privileges: when the tests run as root, that is. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { nodeFor, ROOT } from '../support/built-package.ts';
import { UNPRIVILEGED_UID as uid } from '../support/unprivileged.ts';
import { isRoot, slowness } from './fixture.ts';

test.runIf(isRoot)('all of this holds without privileges', { timeout: 600_000 * slowness }, async (context) => {
  const home = join(inject('runDirectory'), 'unprivileged');
  mkdirSync(home);
  chownSync(home, uid, uid);
  const env = { ...process.env, HOME: home, TMPDIR: home, XDG_RUNTIME_DIR: home, XDG_DATA_HOME: home };
  const options = ['--configLoader', 'runner', '--config', 'test/vitest.config.ts', '--no-cache'];
  const child = spawn(nodeFor(uid), ['node_modules/vitest/vitest.mjs', 'run', ...options, 'test/e2e'], {
    ...{ uid, gid: uid, env, cwd: checkout() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.onTestFinished(() => void child.kill('SIGTERM'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [exitCode] = (await once(child, 'close')) as [number | null];
  expect(exitCode, output).toBe(0);
});

/** The repository where the user can read it: a copy when it lies below /root, or was made with a umask of 077. */
function checkout(): string {
  if (spawnSync('cat', [join(ROOT, 'package.json')], { uid, gid: uid, cwd: '/' }).status === 0) return ROOT;
  const copy = join(inject('runDirectory'), 'checkout');
  execFileSync('cp', ['-a', ROOT, copy]);
  execFileSync('chmod', ['-R', 'a+rX', copy]);
  return copy;
}
