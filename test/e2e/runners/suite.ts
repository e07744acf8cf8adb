/** A file of tests as users write them, in the words that Vitest and Jest have in common. */
const BODY = `
test('a container is run', async () => {
  const { stdout } = await Container.run(Image.host(), ['echo', 'hello']);
  expect(stdout).toBe('hello\\n');
});

test('a container lives, has files and processes, and is removed', async () => {
  const container = await Container.start(Image.host(), { command: ['sleep', '60'] });
  try {
    await container.fs.writeFile('/tmp/file', 'text');
    expect((await container.exec(['cat', '/tmp/file'])).stdout).toBe('text');
    await expect(container.fs.readFile('/none')).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await Container.list()).map(({ id }) => id)).toContain(container.id);
  } finally {
    await container.remove();
  }
});

test('an error is one of caisson', async () => {
  const error = await Container.run(Image.host(), ['no-such-program']).catch((error) => error);
  expect(error).toBeInstanceOf(CaissonError);
  expect(error.code).toBe('COMMAND_NOT_FOUND');
});

test('the machine is probed', async () => {
  expect((await probe()).ok).toBe(true);
});
`;

const NAMES = '{ CaissonError, Container, Image, probe }';

/** For Jest: as little as can be, for tests of many files. */
export const SMALL_JEST_SUITE = `const { Container, Image } = require('caisson');
test('a container is run', async () => {
  expect((await Container.run(Image.host(), ['echo', 'hello'])).stdout).toBe('hello\\n');
});
`;

/** For Vitest. */
export const VITEST_SUITE = `import { expect, test } from 'vitest';\nimport ${NAMES} from 'caisson';\n${BODY}`;

/** For Jest, which gives each file globals of its own, and modules loaded anew. */
export const JEST_SUITE = `const { readdirSync, readlinkSync } = require('node:fs');
const ${NAMES} = require('caisson');
${BODY}
test('all files of this process are one owner in the store', () => {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; }
  });
  expect(targets.filter((target) => /owner-[0-9a-f]+\\.lock$/.test(target))).toHaveLength(1);
});
`;
