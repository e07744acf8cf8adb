import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blobPath, containerPaths, layerPath, openStore } from '../../store/layout.ts';
import { defaultRoot } from '../../store/root.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { has } from './support/programs.ts';
import { runStoreScript } from './support/script.ts';

describe('the store lies', () => {
  test.each([
    ['in CAISSON_ROOT', { CAISSON_ROOT: '/x', XDG_DATA_HOME: '/data' }, 1000, '/x'],
    ['in /var/lib for root', { XDG_DATA_HOME: '/data' }, 0, '/var/lib/caisson'],
    ['in XDG_DATA_HOME for others', { XDG_DATA_HOME: '/data' }, 1000, '/data/caisson'],
    ['below the home without it', {}, 1000, '/home/me/.local/share/caisson'],
    [
      'below the home where it is relative, as XDG has it',
      { XDG_DATA_HOME: 'data' },
      1000,
      '/home/me/.local/share/caisson',
    ],
    [
      'below the home where variables are empty',
      { CAISSON_ROOT: '', XDG_DATA_HOME: '' },
      1000,
      '/home/me/.local/share/caisson',
    ],
  ])('%s', (_, env, uid, path) => {
    expect(defaultRoot(env, () => ({ uid, home: '/home/me' }))).toBe(path);
  });
});

test('a store is made as an OCI image layout that nobody else can enter', (context) => {
  const root = join(temporaryDirectory(context), 'deep/store');
  openStore(root);
  expect(statSync(root).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(root, 'oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}');
  expect(JSON.parse(readFileSync(join(root, 'index.json'), 'utf8'))).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [],
  });
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
});

test('a store that others could enter is closed (CVE-2021-41103)', (context) => {
  const root = temporaryDirectory(context, 0o755);
  openStore(root);
  expect(statSync(root).mode & 0o777).toBe(0o700);
});

test('opening again gives the same store, and makes it again where it was removed', (context) => {
  const root = join(temporaryDirectory(context), 'store');
  const first = openStore(root);
  expect(openStore(root)).toBe(first);
  rmSync(root, { recursive: true });
  expect(openStore(root)).toEqual(first);
  expect(readdirSync(root)).toContain('oci-layout');
});

test('what is in a store stays when another process opens it', async (context) => {
  const root = join(temporaryDirectory(context), 'store');
  const { index } = openStore(root);
  writeFileSync(index, '{"schemaVersion":2,"manifests":[],"annotations":{"kept":"yes"}}');
  await runStoreScript(context, `import { openStore } from 'store'; openStore(process.argv[2])`, [root]);
  expect(readFileSync(index, 'utf8')).toContain('kept');
});

test('twenty processes may make one store at the same time', async (context) => {
  const root = join(temporaryDirectory(context), 'store');
  const script = `import { openStore } from 'store'; console.log(openStore(process.argv[2]).root)`;
  const results = await Promise.all(Array.from({ length: 20 }, () => runStoreScript(context, script, [root])));
  expect(results.map(({ stdout, stderr }) => stdout + stderr)).toEqual(Array.from({ length: 20 }, () => `${root}\n`));
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
}, 120_000);

describe('an error says what is wrong with', () => {
  test('a directory of something else, which stays as it is', (context) => {
    const root = temporaryDirectory(context, 0o755);
    writeFileSync(join(root, 'thesis.tex'), '');
    expect(() => openStore(root)).toThrow(`'${root}' is not a store: it has 'thesis.tex' in it`);
    expect(statSync(root).mode & 0o777).toBe(0o755);
    expect(readdirSync(root)).toEqual(['thesis.tex']);
  });

  test('a file', (context) => {
    const root = join(temporaryDirectory(context), 'file');
    writeFileSync(root, '');
    expect(() => openStore(root)).toThrow(expect.objectContaining({ code: 'STORE_INVALID' }));
  });

  test('a layout of another version', (context) => {
    const root = temporaryDirectory(context);
    writeFileSync(join(root, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
    expect(() => openStore(root)).toThrow(/not of an OCI image layout of version 1/);
  });

  test('a directory without permission', async (context) => {
    const directory = temporaryDirectory(context, 0o755);
    const { stderr } = await runStoreScript(context, OPEN, [join(directory, 'store')], { uid: 65534 });
    expect(stderr).toContain(`opening the store at '${directory}/store': '${directory}/store' cannot be written`);
    expect(stderr).toContain('CAISSON_ROOT');
    expect(stderr).toContain("code: 'STORE_NOT_WRITABLE'");
  });

  test('a store without permission', async (context) => {
    const root = temporaryDirectory(context, 0o755);
    openStore(root);
    chmodSync(root, 0o755);
    const { stderr } = await runStoreScript(context, OPEN, [root], { uid: 65534 });
    expect(stderr).toContain("code: 'STORE_NOT_WRITABLE'");
  });

  test('a read-only disk', async (context) => {
    requires(context, process.geteuid?.() === 0 && has('unshare'), 'root and unshare');
    const directory = temporaryDirectory(context);
    const mount = 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"';
    const { stderr } = await runStoreScript(context, OPEN, [join(directory, 'store')], {
      under: ['unshare', '-m', 'sh', '-c', mount, directory],
    });
    expect(stderr).toContain("code: 'STORE_NOT_WRITABLE'");
  });

  test('a full disk', async (context) => {
    requires(context, process.geteuid?.() === 0 && has('unshare'), 'root and unshare');
    const directory = temporaryDirectory(context);
    const mount = 'mount -t tmpfs -o nr_inodes=6 tmpfs "$0" && exec "$@"';
    const { stderr } = await runStoreScript(context, OPEN, [join(directory, 'store')], {
      under: ['unshare', '-m', 'sh', '-c', mount, directory],
    });
    expect(stderr).toContain("code: 'STORE_FULL'");
    expect(stderr).toContain('no space left');
  });
});

test('of a store that cannot be made, nothing is left, however often it is tried', async (context) => {
  requires(context, process.geteuid?.() === 0 && has('unshare'), 'root and unshare');
  const directory = temporaryDirectory(context);
  const script = `
    import { openStore } from 'store';
    import { readdirSync } from 'node:fs';
    const root = process.argv[2];
    const open = () => { try { openStore(root); } catch (error) { return error.code; } };
    const left = () => [readdirSync('/proc/self/fd').length, readdirSync(root + '/locks'), readdirSync(root + '/tmp')];
    const codes = [open()];
    const before = JSON.stringify(left());
    for (let attempt = 0; attempt < 20; attempt++) codes.push(open());
    console.log([...new Set(codes)], before, JSON.stringify(left()) === before);
  `;
  // Room for its directories, a lock and a temporary file, and none for what is in that.
  const mount =
    'mount -t tmpfs -o size=4k tmpfs "$0" && head -c 4096 /dev/zero > "$0/ballast"; mkdir "$0/store"; exec "$@"';
  const under = ['unshare', '-m', 'sh', '-c', mount, directory];
  const { stdout, stderr } = await runStoreScript(context, script, [join(directory, 'store')], { under });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^\[ 'STORE_FULL' \] \[\d+,\[\],\[\]\] true\n$/);
});

const OPEN = `import { openStore } from 'store'; openStore(process.argv[2])`;

test('only digests and ids become paths', (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  const hex = 'ab'.repeat(32);
  expect(blobPath(store, `sha256:${hex}`)).toBe(`${root}/blobs/sha256/${hex}`);
  expect(layerPath(store, `sha256:${hex}`)).toBe(`${root}/layers/${hex}`);
  expect(containerPaths(store, 'my-box_1.2')).toMatchObject({
    path: `${root}/containers/my-box_1.2`,
    state: `${root}/containers/my-box_1.2/state`,
    upper: `${root}/containers/my-box_1.2/upper`,
    work: `${root}/containers/my-box_1.2/work`,
    record: `${root}/containers/my-box_1.2/record.json`,
  });
  expect(() => blobPath(store, 'sha256:../../etc/passwd')).toThrow();
  for (const id of ['', '.', '..', '../x', 'a/b', '.hidden', 'a\0b', 'a\n', 'x'.repeat(129)]) {
    expect(() => containerPaths(store, id)).toThrow(TypeError);
  }
});
