/** A disk that is too small for what containers of this machine need. */
import { expect, test } from 'vitest';
import { has } from '../store/support/programs.ts';
import { requires } from '../support/requires.ts';
import { runScript } from '../support/script.ts';
import { isRoot } from './fixture.ts';

const SCRIPT = `
  import { Container, Image } from 'caisson';
  import { readdirSync } from 'node:fs';
  const store = process.env.CAISSON_ROOT;
  const { code, message, hint } = await Container.run(Image.host(), ['true']).catch((error) => error);
  console.log(JSON.stringify({ code, message, hint, left: ['host', 'tmp', 'containers'].flatMap((name) => readdirSync(store + '/' + name)) }));
`;

const title = 'the first container says that the store is full, where it is, and what to do; nothing is left';

// Mounting a small disk takes root.
test.runIf(isRoot)(title, async (context) => {
  requires(context, has('unshare'), 'unshare');
  const mount = 'mkdir -p "$CAISSON_ROOT" && mount -t tmpfs -o size=64k tmpfs "$CAISSON_ROOT" && exec "$@"';
  const wrap = (command: readonly string[]) => ['unshare', '-m', 'sh', '-c', mount, 'sh', ...command];
  const { stdout, stderr } = await runScript(context, SCRIPT, { wrap });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    code: 'STORE_FULL',
    message: expect.stringMatching(/^making the image of this machine: no space left for '.*\/store\/host\//),
    hint: expect.stringContaining('CAISSON_ROOT'),
    left: [],
  });
});
