/** What the probe finds on this machine, and that it is what containers find. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Container, type FactName, Image, type Probe, probe } from 'caisson';
import { expect, test } from 'vitest';
import { nodeFor, packageFor } from '../support/built-package.ts';
import { runScript } from '../support/script.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runUnprivileged, UNPRIVILEGED_UID } from '../support/unprivileged.ts';
import { isRoot, privateStore } from './fixture.ts';

const store = privateStore();
const run = promisify(execFile);

const statusOf = ({ facts }: Pick<Probe, 'facts'>, name: FactName) => facts.find((fact) => fact.name === name)?.status;
/** `import` in a script of a program that the machine's settings do not let do much. */
const TELL = `
  import { probe } from 'caisson';
  console.log(JSON.stringify(await probe()));`;

test('where containers run, the probe says so; every fact that is not fine says why', async () => {
  expect((await Container.run(Image.host(), ['true'])).exitCode).toBe(0);
  const found = await probe();
  expect(found.ok).toBe(true);
  expect(found.fact('store')).toMatchObject({ status: 'ok', summary: expect.stringContaining(store) });
  for (const { status, summary, neededFor } of found.facts) {
    expect(['ok', 'limited', 'missing']).toContain(status);
    expect([summary, neededFor]).not.toContain('');
  }
});

test('it makes no store, and leaves nothing where the store is going to be', async (context) => {
  const directory = temporaryDirectory(context);
  process.env.CAISSON_ROOT = join(directory, 'not', 'yet');
  try {
    const { fact } = await probe();
    expect(fact('store').status).toBe('ok');
    expect(readdirSync(directory)).toEqual([]);
  } finally {
    process.env.CAISSON_ROOT = store;
  }
});

test.runIf(isRoot)('root gives any id, makes control groups and idmapped mounts where the kernel can', async () => {
  const { fact } = await probe();
  expect(fact('subordinate-ids').status).toBe('ok');
  expect(fact('user-namespaces').required).toBe(false);
  const isWritable = readFileSync('/proc/self/mountinfo', 'utf8').includes(' - cgroup');
  expect(fact('cgroups').status === 'missing').toBe(!isWritable);
});

test('a user without root is told what containers without root need', async (context) => {
  const { stdout } = await runUnprivileged(context, TELL);
  const found = JSON.parse(stdout) as Probe;
  expect(found.facts.filter(({ required }) => required).map(({ name }) => name)).toContain('user-namespaces');
  expect([found.ok, statusOf(found, 'user-namespaces')]).toEqual([true, 'ok']);
  expect(statusOf(found, 'idmapped-mounts')).toBe('limited');
});

/** In a user namespace of its own, whose limit is nobody else's; and there without the privileges of its root. */
const forbidding = (command: readonly string[]) => {
  const shell = 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"';
  return ['unshare', '--user', '--map-root-user', 'sh', '-c', shell, 'sh', ...command];
};

test('where user namespaces are forbidden, probe and error name the same setting, and the error the probe', async (context) => {
  const script = `
    import { Container, Image, probe } from 'caisson';
    const error = await Container.run(Image.host(), ['true']).catch((error) => error);
    console.log(JSON.stringify({ found: await probe(), hint: error.hint, message: error.message }));`;
  const { stdout } = await runScript(context, script, { wrap: forbidding });
  const { found, hint, message } = JSON.parse(stdout) as { found: Probe; hint: string; message: string };
  const users = found.facts.find(({ name }) => name === 'user-namespaces');
  expect([found.ok, users?.status, users?.remedy]).toEqual([false, 'missing', hint]);
  expect(hint).toContain('user.max_user_namespaces=15000');
  expect(message).toContain("'npx caisson probe'");
});

test('a store that cannot be made is told, with what to set', async (context) => {
  const { stdout } = await runUnprivileged(context, TELL, { env: { CAISSON_ROOT: '/proc/caisson' } });
  const found = JSON.parse(stdout) as Probe;
  expect(found.ok).toBe(false);
  expect(found.facts.find(({ name }) => name === 'store')).toMatchObject({
    status: 'missing',
    remedy: expect.stringContaining('CAISSON_ROOT'),
  });
});

test('npx caisson probe prints a table or JSON, and ends with whether containers can run', async () => {
  const { stdout: table } = await caisson('probe');
  expect(table).toMatch(/^user-namespaces +ok +/m);
  expect(table).toMatch(/^containers can run here$/m);
  const { facts } = JSON.parse((await caisson('probe', '--json')).stdout) as Probe;
  expect(facts.map(({ name }) => name)).toContain('freezer');

  const [program = '', ...args] = forbidding([nodeFor(UNPRIVILEGED_UID), cli(), 'probe']);
  const failed = await run(program, args, { env: { ...process.env, CAISSON_ROOT: store } }).catch((error) => error);
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringMatching(/^no containers can run here$/m) });
});

test('npx caisson tells its version and how to use it', async () => {
  const { version } = JSON.parse(readFileSync(join(packageFor(UNPRIVILEGED_UID), 'package.json'), 'utf8'));
  expect((await caisson('--version')).stdout).toBe(`${version}\n`);
  expect((await caisson('--help')).stdout).toContain('Usage: caisson probe');
  expect(await caisson('conjure').catch((error) => error)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("unknown command 'conjure'"),
  });
  expect(await caisson('probe', '--yaml').catch((error) => error)).toMatchObject({ code: 2 });
});

function cli(): string {
  const path = join(packageFor(UNPRIVILEGED_UID), 'dist/cli.js');
  if (!existsSync(path)) throw new Error(`there is no '${path}': run 'npm run build' first`);
  return path;
}

function caisson(...args: string[]) {
  return run(nodeFor(UNPRIVILEGED_UID), [cli(), ...args]);
}
