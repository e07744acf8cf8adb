/** Machines on which containers cannot be made, or not in the usual way: what is said, and that nothing is left. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageFor } from '../support/built-package.ts';
import { runScript } from '../support/script.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { busyboxTree, isRoot, privateStore } from './fixture.ts';

privateStore();

/** The end of a script: what an attempt came to, as JSON. */
const tell = (attempt: string) => `
  const outcome = await (async () => { ${attempt} })().catch(({ name, code, message, hint }) => ({ name, code, message, hint }));
  console.log(JSON.stringify(outcome));`;

/** A script that runs itself again by way of a shell command, \`$@\`, and in there does what is tested. */
const within = (shell: string, attempt: string, ...unshare: readonly string[]) => `
  import { spawnSync } from 'node:child_process';
  import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
  import { Container, Image } from 'caisson';
  const [self, tree, inside] = process.argv.slice(1);
  const list = (directory) => { try { return readdirSync(process.env.CAISSON_ROOT + '/' + directory); } catch { return []; } };
  if (inside === undefined) {
    mkdirSync(process.env.CAISSON_ROOT, { recursive: true });
    const namespaces = ${JSON.stringify(unshare)}.filter((flag) => flag !== '--user-if-needed');
    if (namespaces.length < ${unshare.length} && process.getuid() !== 0) namespaces.push('--user', '--map-root-user');
    const command = ['sh', '-c', ${JSON.stringify(shell)}, 'sh', process.execPath, self, tree, 'inside'];
    const { status, stderr } = spawnSync('unshare', [...namespaces, ...command], { stdio: ['ignore', 'inherit', 'pipe'], encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  } else {
    ${tell(attempt)}
  }`;

const outcomeOf = ({ stdout, stderr }: { stdout: string; stderr: string }) => {
  expect(stderr).toBe('');
  return JSON.parse(stdout) as unknown;
};

test('on another system than Linux, importing works and every use says what is wrong', async (context) => {
  const script = `
    Object.defineProperty(process, 'platform', { value: 'darwin' });
    const { Container, Image } = await import('caisson');
    ${tell("await Container.run(Image.directory(process.argv[2]), ['true']);")}`;
  const outcome = outcomeOf(await runScript(context, script, { args: [busyboxTree(context)] }));
  expect(outcome).toMatchObject({
    name: 'CaissonError',
    code: 'UNSUPPORTED_PLATFORM',
    message: expect.stringContaining('darwin'),
  });
});

test('on a processor that caisson has no system call numbers of, every use says so', async (context) => {
  const script = `
    Object.defineProperty(process, 'arch', { value: 'riscv64' });
    const { Container, Image } = await import('caisson');
    ${tell("await Container.run(Image.directory(process.argv[2]), ['true']);")}`;
  const outcome = outcomeOf(await runScript(context, script, { args: [busyboxTree(context)] }));
  expect(outcome).toMatchObject({ code: 'UNSUPPORTED_PLATFORM', message: expect.stringContaining('riscv64') });
});

test.for(['koffi', '@koromix'])(
  'without the package %s, importing works and every use names it',
  async (missing, context) => {
    const uid = process.getuid?.() ?? 0;
    const source = packageFor(uid);
    const modules = join(temporaryDirectory(context, 0o755), 'node_modules');
    for (const name of ['package.json', 'dist'])
      cpSync(join(source, name), join(modules, 'caisson', name), { recursive: true });
    for (const name of ['eventemitter3', 'koffi', '@koromix', 'tar', 'undici', 'fzstd']) {
      if (name !== missing)
        cpSync(realpathSync(join(source, 'node_modules', name)), join(modules, name), { recursive: true });
    }
    const file = join(modules, '../script.mjs');
    writeFileSync(
      file,
      `import { Container, Image } from 'caisson'; ${tell("await Container.run(Image.directory(process.argv[2]), ['true']);")}`,
    );
    const env = { ...process.env, NODE_PATH: '', CAISSON_ROOT: join(modules, '../store') };
    const { stdout, stderr } = spawnSync(process.execPath, [file, busyboxTree(context)], { encoding: 'utf8', env });
    expect(outcomeOf({ stdout, stderr })).toMatchObject({
      name: 'CaissonError',
      code: 'KOFFI_NOT_LOADED',
      hint: expect.stringContaining('@koromix/koffi-linux'),
    });
  },
);

test('where user namespaces are forbidden, the setting to change is named', async (context) => {
  // In a user namespace of its own, so that the limit is nobody else's; and there without the privileges of its root.
  const shell = 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"';
  const attempt =
    "try { await Container.run(Image.directory(tree), ['true']); } finally { if (list('containers').length > 0) throw new Error('left'); }";
  const script = within(shell, attempt, '--user', '--map-root-user');
  const outcome = outcomeOf(await runScript(context, script, { args: [busyboxTree(context)] }));
  expect(outcome).toMatchObject({
    name: 'CaissonError',
    code: 'NO_USER_NAMESPACES',
    hint: expect.stringContaining('user.max_user_namespaces'),
  });
});

test('the root of a user namespace has what any user has', async (context) => {
  // As in a rootless container of another engine, or after unshare -r.
  const script = within(
    'exec "$@"',
    "return (await Container.run(Image.directory(tree), ['id', '-u'])).stdout;",
    '--user',
    '--map-root-user',
    '--mount',
  );
  expect(outcomeOf(await runScript(context, script, { args: [busyboxTree(context)] }))).toBe('0\n');
});

const fill = `
  const kept = await Container.create(image);
  try { for (let size = 1 << 20; size >= 1; size >>= 1) for (let n = 0; ; n++) {
    try { writeFileSync(process.env.CAISSON_ROOT + '/tmp/filler-' + size + '-' + n, Buffer.alloc(size)); } catch { break; }
  } } finally { await kept.remove(); }`;

test('a store on a full disk says so, and has nothing half made in it', async (context) => {
  const shell = 'mount -t tmpfs -o size=400k,nr_inodes=60 none "$CAISSON_ROOT" && exec "$@"';
  const attempt = `
    const image = Image.directory(tree);
    ${fill}
    const made = [];
    try { for (;;) made.push(await Container.create(image)); }
    catch (error) { for (const each of made) await each.remove(); throw error; }
    finally { if (list('containers').length > 0) throw new Error('left: ' + list('containers')); }`;
  const outcome = outcomeOf(
    await runScript(context, within(shell, attempt, '--mount', '--user-if-needed'), { args: [busyboxTree(context)] }),
  );
  expect(outcome).toMatchObject({
    name: 'CaissonError',
    code: 'STORE_FULL',
    hint: expect.stringContaining('CAISSON_ROOT'),
  });
});

test('a store that cannot even be made on a full disk says so', async (context) => {
  const shell = 'mount -t tmpfs -o nr_inodes=3 none "$CAISSON_ROOT" && exec "$@"';
  const script = within(shell, "await Container.run(Image.directory(tree), ['true']);", '--mount', '--user-if-needed');
  const outcome = outcomeOf(await runScript(context, script, { args: [busyboxTree(context)] }));
  expect(outcome).toMatchObject({ name: 'CaissonError', code: 'STORE_FULL' });
});

test('a store on a read-only disk says so', async (context) => {
  const mounted = 'mount -t tmpfs none "$CAISSON_ROOT"';
  const attempt = "await Container.run(Image.directory(tree), ['true']);";
  const made = `${mounted} && mkdir -p "$CAISSON_ROOT/tmp" && mount -o remount,bind,ro "$CAISSON_ROOT" && exec "$@"`;
  for (const shell of [made, `${mounted} && mount -o remount,bind,ro "$CAISSON_ROOT" && exec "$@"`]) {
    const script = within(shell, attempt, '--mount', '--user-if-needed');
    const outcome = outcomeOf(await runScript(context, script, { args: [busyboxTree(context)] }));
    expect(outcome).toMatchObject({
      name: 'CaissonError',
      code: 'STORE_NOT_WRITABLE',
      hint: expect.stringContaining('CAISSON_ROOT'),
    });
  }
});

test.runIf(isRoot)(
  'a store on a file system that overlayfs cannot use says so, and memory will do',
  async (context) => {
    const directory = temporaryDirectory(context, 0o755);
    for (const name of ['lower', 'upper', 'work']) mkdirSync(join(directory, name));
    const shell = `mount -t overlay -o lowerdir=${directory}/lower,upperdir=${directory}/upper,workdir=${directory}/work none "$CAISSON_ROOT" && exec "$@"`;
    const attempt = `
    const image = Image.directory(tree);
    console.error((await Container.run(image, ['echo', 'in memory'], { upper: 'tmpfs' })).stdout.trim());
    await Container.run(image, ['true']);`;
    const { stdout, stderr } = await runScript(context, within(shell, attempt, '--mount'), {
      args: [busyboxTree(context)],
    });
    expect(JSON.parse(stdout || stderr)).toMatchObject({
      code: 'OVERLAY_REFUSED',
      hint: expect.stringContaining("upper: 'tmpfs'"),
    });
  },
);
