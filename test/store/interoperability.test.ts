/** Images that umoci and skopeo made, seen as a container sees them, and images of the store as those tools see them. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { findImage } from '../../store/images.ts';
import { applyLayer } from '../../store/layer/apply.ts';
import { readTar } from '../../store/layer/read.ts';
import { openStore } from '../../store/layout.ts';
import { loadImage } from '../../store/load.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { pruneStore, removeImage, saveImage, unpackImage } from './support/doors.ts';
import { layoutFiles, writeFiles } from './support/image.ts';
import { countsOf, storeOfImages } from './support/images.ts';
import { has } from './support/programs.ts';
import { runStoreScript } from './support/script.ts';
import { inChunks } from './support/streams.ts';

const isRoot = process.geteuid?.() === 0;
/** Without the times of directories and whiteouts, which nobody restores alike. */
const FIND = `find . -mindepth 1 \\( -type d -printf '%P/ %m %U:%G\\n' -o -printf '%P %y %m %U:%G %s %l %T@\\n' \\) | sort`;

/** What a container of these layers would see, as lines. */
function mounted(layers: readonly string[], options = ''): string[] {
  const lower = [...layers].reverse().join(':');
  // Without a change, a single lower directory is refused.
  const script = `mount -t tmpfs t /mnt && mkdir /mnt/e /mnt/m && mount -t overlay o -o ${options}lowerdir=${lower}:/mnt/e /mnt/m && cd /mnt/m && ${FIND}`;
  return lines('unshare', options === '' ? '-m' : '-Urm', 'sh', '-ec', script);
}

function lines(program: string, ...args: readonly string[]): string[] {
  return execFileSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    .trim()
    .split('\n');
}

describe('as root, a container sees what umoci unpacks, of', () => {
  test.for(['layout', 'ociArchive', 'dockerArchive'] as const)('%s', async (kind, context) => {
    const { layout, [kind]: path } = inject('images');
    requires(context, isRoot && has('unshare') && has('umoci'), 'root, unshare and umoci');
    requires(context, layout !== undefined && path !== undefined, 'umoci and skopeo');
    const directory = temporaryDirectory(context);
    const { layers, config } = await loadImage(openStore(join(directory, 'store')), path);
    execFileSync('umoci', ['unpack', '--image', `${layout}:latest`, join(directory, 'bundle')], { stdio: 'pipe' });
    expect(layers).toHaveLength(2);
    expect(config.Env).toContain('GREETING=hello');
    expect(mounted(layers)).toEqual(lines('sh', '-ec', `cd ${directory}/bundle/rootfs && ${FIND}`));
  });
});

/** Three layers: the last ones remove, replace and hide what the first has. */
const LAYERS = [
  [
    { name: 'removed', content: '1' },
    { name: 'tree/file', content: '1' },
    { name: 'hidden/old', content: '1' },
    { name: 'replaced', type: '5', mode: 0o755 },
    { name: 'replaced/old', content: '1' },
    { name: 'kept/one', content: '1' },
  ],
  [
    { name: '.wh.removed' },
    { name: '.wh.tree' },
    { name: 'hidden/new', content: '2' },
    { name: 'hidden/.wh..wh..opq' },
    { name: '.wh.replaced' },
    { name: 'replaced', type: '5', mode: 0o700 },
    { name: 'replaced/new', content: '2' },
    { name: 'kept/two', content: '2' },
  ],
  [{ name: 'removed', content: '3' }, { name: 'kept/.wh.one' }],
];
const VISIBLE = ['hidden/', 'hidden/new', 'kept/', 'kept/two', 'removed', 'replaced/', 'replaced/new'];

test('as root, a container sees nothing that a layer removed', async (context) => {
  requires(context, isRoot && has('unshare'), 'root and unshare');
  const directory = temporaryDirectory(context);
  const path = writeFiles(directory, layoutFiles({ layers: LAYERS }));
  const { layers } = await loadImage(openStore(join(directory, 'store')), path);
  expect(mounted(layers).map((line) => line.split(' ')[0])).toEqual(VISIBLE);
});

test('an opaque root hides all the layers below, which overlay itself would show', async (context) => {
  requires(context, isRoot && has('unshare'), 'root and unshare');
  const directory = temporaryDirectory(context);
  const parts = { layers: [[{ name: 'old' }], [{ name: '.wh..wh..opq' }, { name: 'new' }], [{ name: 'newer' }]] };
  const { layers } = await loadImage(openStore(join(directory, 'store')), writeFiles(directory, layoutFiles(parts)));
  expect(mounted(layers).map((line) => line.split(' ')[0])).toEqual(['new', 'newer']);
});

describe('without privileges', () => {
  const script = `
    import { execFileSync } from 'node:child_process';
    import { findImage, loadImage, openStore } from 'store';
    const [root, path, find] = process.argv.slice(2);
    const { layers, notes } = await loadImage(openStore(root), path);
    const mount = 'mount -t tmpfs t /mnt && mkdir /mnt/e /mnt/m && mount -t overlay o -o userxattr,lowerdir='
      + [...layers].reverse().join(':') + ':/mnt/e /mnt/m && cd /mnt/m && ' + find;
    process.stdout.write(execFileSync('unshare', ['-Urm', 'sh', '-ec', mount], { encoding: 'utf8' }));
    console.error(notes.join('\\n'));
  `;

  test('a container sees nothing that a layer removed', async (context) => {
    requires(context, has('unshare'), 'unshare');
    const directory = temporaryDirectory(context, 0o755);
    const path = writeFiles(directory, layoutFiles({ layers: LAYERS }));
    const store = ownDirectory(directory);
    const { stdout, stderr } = await runStoreScript(context, script, [store, path, FIND], { uid: 65534 });
    expect(stderr).toBe('\n');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(VISIBLE);
  });

  test('a container sees what umoci unpacks, with one owner', async (context) => {
    const { layout } = inject('images');
    requires(context, layout !== undefined && isRoot && has('unshare'), 'root, unshare and umoci');
    const directory = temporaryDirectory(context, 0o755);
    const store = ownDirectory(directory);
    const copy = join(directory, 'copy');
    cpSync(layout, copy, { recursive: true });
    execFileSync('chmod', ['-R', 'a+rX', copy]);
    const { stdout, stderr } = await runStoreScript(context, script, [store, copy, FIND], { uid: 65534 });
    execFileSync('umoci', ['unpack', '--image', `${layout}:latest`, join(directory, 'bundle')], { stdio: 'pipe' });
    const withOneOwner = (line: string) => line.replace(/ \d+:\d+/, ' 0:0');
    expect(stderr).toBe('\n');
    expect(stdout.trim().split('\n')).toEqual(
      lines('sh', '-ec', `cd ${directory}/bundle/rootfs && ${FIND}`).map(withOneOwner),
    );
  });

  test('the root directory of a layer may be one that nobody writes to', async (context) => {
    const directory = temporaryDirectory(context, 0o755);
    const path = writeFiles(
      directory,
      layoutFiles({ layers: [[{ name: './', type: '5', mode: 0o555 }, { name: 'a' }]] }),
    );
    const load = `
      import { loadImage, openStore } from 'store';
      console.log((await loadImage(openStore(process.argv[2]), process.argv[3])).layers.length);
    `;
    const { stdout, stderr } = await runStoreScript(context, load, [ownDirectory(directory), path], { uid: 65534 });
    expect(stdout + stderr).toBe('1\n');
  });

  function ownDirectory(directory: string): string {
    const own = join(directory, 'own');
    mkdirSync(own);
    chmodSync(own, 0o777);
    return join(own, 'store');
  }
});

describe('the store is an image layout for', () => {
  test('skopeo', async (context) => {
    requires(context, has('skopeo'), 'skopeo');
    const directory = temporaryDirectory(context);
    const store = openStore(join(directory, 'store'));
    const path = writeFiles(directory, layoutFiles({ config: { Env: ['A=1'] }, layers: LAYERS }));
    const { digest } = await loadImage(store, path, { reference: 'me/app:v1' });
    const name = `oci:${store.root}:docker.io/me/app:v1`;
    expect(
      JSON.parse(execFileSync('skopeo', ['--insecure-policy', 'inspect', name], { encoding: 'utf8' })),
    ).toMatchObject({
      Digest: digest,
      Env: ['A=1'],
    });
    const archive = join(directory, 'saved.tar');
    execFileSync('skopeo', ['--insecure-policy', 'copy', name, `docker-archive:${archive}:again/app:v2`], {
      stdio: 'pipe',
    });
    const again = await loadImage(store, archive);
    expect(again.references).toEqual(['docker.io/again/app:v2']);
    expect(again.layers).toEqual(findImage(store, 'me/app:v1').layers);
  });

  test('umoci', async (context) => {
    requires(context, has('umoci') && isRoot, 'umoci and root');
    const directory = temporaryDirectory(context);
    const store = openStore(join(directory, 'store'));
    await loadImage(store, writeFiles(directory, layoutFiles({ layers: LAYERS })), { reference: 'me/app:v1' });
    expect(lines('umoci', 'ls', '--layout', store.root)).toEqual(['docker.io/me/app:v1']);
    const bundle = join(directory, 'bundle');
    execFileSync('umoci', ['unpack', '--image', `${store.root}:docker.io/me/app:v1`, bundle], { stdio: 'pipe' });
    const seen = lines('sh', '-ec', `cd ${bundle}/rootfs && ${FIND}`).map((line) => line.split(' ')[0]);
    expect(seen).toEqual(VISIBLE);
  });
});

describe('other tools work on the store itself', () => {
  const skopeo = (...args: readonly string[]) =>
    execFileSync('skopeo', ['--insecure-policy', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  test('what skopeo tags in it has that name', async (context) => {
    requires(context, has('skopeo'), 'skopeo');
    const { store, load } = storeOfImages(context);
    const { digest } = await load({ layers: LAYERS }, 'me/app:v1');
    skopeo('copy', `oci:${store.root}:docker.io/me/app:v1`, `oci:${store.root}:word`);
    expect(findImage(store, 'word').digest).toBe(digest);
    expect(findImage(store, 'word').references).toEqual(['docker.io/me/app:v1', 'docker.io/library/word:latest']);
    await removeImage(store, 'me/app:v1');
    expect(JSON.parse(skopeo('inspect', `oci:${store.root}:word`)).Digest).toBe(digest);
    expect(await pruneStore(store)).toMatchObject({ images: [], blobs: 0 });
  });

  test('what skopeo copies into it is unpacked when it is asked for', async (context) => {
    requires(context, has('skopeo'), 'skopeo');
    const { store, directory, load } = storeOfImages(context);
    const there = await load({ layers: LAYERS.slice(0, 1) }, 'there');
    const path = writeFiles(directory, layoutFiles({ layers: LAYERS, config: { Cmd: ['copied'] } }));
    skopeo('copy', `oci:${path}`, `oci:${store.root}:ghcr.io/me/copied:v1`);
    expect(await pruneStore(store)).toMatchObject({ images: [], blobs: 0, layers: 0 });
    expect(() => findImage(store, 'ghcr.io/me/copied:v1')).toThrow(
      expect.objectContaining({ code: 'LAYER_NOT_FOUND' }),
    );
    const { layers, config } = await unpackImage(store, 'ghcr.io/me/copied:v1');
    expect(config.Cmd).toEqual(['copied']);
    expect(layers[0]).toBe(there.layers[0]);
    expect(layers).toHaveLength(3);
  });

  test('umoci tags in it, and finds nothing to remove', async (context) => {
    requires(context, has('umoci'), 'umoci');
    const { store, load } = storeOfImages(context);
    const { digest } = await load({ layers: LAYERS }, 'me/app:v1');
    const before = countsOf(store);
    execFileSync('umoci', ['tag', '--image', `${store.root}:docker.io/me/app:v1`, 'v2'], { stdio: 'pipe' });
    execFileSync('umoci', ['gc', '--layout', store.root], { stdio: 'pipe' });
    expect(countsOf(store)).toEqual(before);
    expect(findImage(store, 'v2').digest).toBe(digest);
    expect(findImage(store, 'me/app:v1').layers).toHaveLength(3);
  });

  test.for(['oci', 'docker'] as const)('skopeo and umoci read what is saved as %s', async (format, context) => {
    requires(context, has('skopeo') && has('umoci') && isRoot, 'skopeo, umoci and root');
    const { store, directory, load } = storeOfImages(context);
    const { digest, layers } = await load({ layers: LAYERS, config: { Env: ['A=1'] } }, 'me/app:v1');
    const saved = join(directory, 'saved.tar');
    await saveImage(store, 'me/app:v1', saved, { format });
    for (const transport of format === 'oci' ? ['oci-archive'] : ['oci-archive', 'docker-archive']) {
      const copy = join(directory, transport);
      skopeo(
        'copy',
        ...(format === 'oci' ? ['--preserve-digests'] : []),
        `${transport}:${saved}:docker.io/me/app:v1`,
        `oci:${copy}:v1`,
      );
      const { Digest, Env } = JSON.parse(skopeo('inspect', `oci:${copy}:v1`));
      expect(Env).toEqual(['A=1']);
      if (format === 'oci') expect(Digest).toBe(digest);
      const bundle = join(directory, `${transport}-bundle`);
      execFileSync('umoci', ['unpack', '--image', `${copy}:v1`, bundle], { stdio: 'pipe' });
      expect(mounted(layers)).toEqual(lines('sh', '-ec', `cd ${bundle}/rootfs && ${FIND}`));
    }
  });
});

test('a layer that GNU tar wrote of this machine is unpacked as GNU tar unpacks it', async (context) => {
  requires(context, isRoot && has('tar', /GNU/), 'root and GNU tar');
  const directory = temporaryDirectory(context);
  for (const name of ['ours', 'theirs']) mkdirSync(join(directory, name));
  const archive = execFileSync('tar', ['-c', '--format=posix', '--sparse', '-C', '/etc', '.'], {
    maxBuffer: 1024 ** 3,
  });
  await applyLayer(readTar(inChunks(archive)), join(directory, 'ours'), { kind: 'all' });
  execFileSync('tar', ['-x', '-p', '-C', join(directory, 'theirs')], { input: archive });
  const [ours, theirs] = ['ours', 'theirs'].map((name) => lines('sh', '-ec', `cd ${directory}/${name} && ${FIND}`));
  expect(ours).toEqual(theirs);
  execFileSync('diff', ['-r', '--no-dereference', join(directory, 'ours'), join(directory, 'theirs')]);
});
