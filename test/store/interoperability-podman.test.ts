/** Images go to podman and buildah and come from them, the same to the last byte. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { importImage, loadImage, openStore, saveImage } from './support/doors.ts';
import { layoutFiles, writeArchive } from './support/image.ts';
import { setUpPodman } from './support/podman.ts';
import { has } from './support/programs.ts';
import type { Entry } from './support/tar-writer.ts';
import { treeAt, treeOf } from './support/tree-seen.ts';

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** Everything that layers hold, and in the second one what removes, hides and replaces it. */
const LAYERS: readonly (readonly Entry[])[] = [
  [
    { name: 'etc/', type: '5', mode: 0o755 },
    { name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\n', mtime: 1 },
    { name: 'bin/', type: '5', mode: 0o755 },
    { name: 'bin/ping', content: 'ping', mode: 0o755, pax: { 'SCHILY.xattr.security.capability': CAPABILITY } },
    { name: 'bin/su', content: 'su', mode: 0o4755, mtime: 1_700_000_000 },
    // Podman's family gives a file what its last link says, so that says the same, as it always does.
    { name: 'bin/su-too', type: '1', link: 'bin/su', mode: 0o4755, mtime: 1_700_000_000 },
    { name: 'tmp/', type: '5', mode: 0o1777 },
    { name: 'home/', type: '5', mode: 0o755 },
    { name: 'home/me/', type: '5', mode: 0o700, uid: 1000, gid: 1001 },
    {
      name: 'home/me/file',
      content: 'mine',
      mode: 0o600,
      uid: 1000,
      gid: 1001,
      pax: { mtime: '1600000000.123456789' },
    },
    { name: 'home/me/attributes', content: 'x', pax: { 'SCHILY.xattr.user.note': Buffer.from([0, 255, 10]) } },
    { name: 'home/me/größe', content: 'utf-8' },
    { name: 'link', type: '2', link: '/etc/passwd', uid: 7 },
    { name: 'null', type: '3', device: [1, 3], mode: 0o666 },
    { name: 'fifo', type: '6', mode: 0o644 },
    { name: 'removed', content: '1' },
    { name: 'hidden/', type: '5', mode: 0o755 },
    { name: 'hidden/old', content: '1' },
    { name: 'replaced', content: 'a file' },
  ],
  [
    { name: '.wh.removed' },
    { name: 'hidden/', type: '5', mode: 0o750 },
    { name: 'hidden/.wh..wh..opq' },
    { name: 'hidden/new', content: '2' },
    { name: 'replaced/', type: '5', mode: 0o755 },
    { name: 'replaced/by', content: 'a directory' },
    { name: 'etc/', type: '5', mode: 0o755 },
    { name: 'etc/added', content: '2' },
  ],
];

async function setUp(context: TestContext) {
  requires(context, process.geteuid?.() === 0 && has('unshare') && has('getfattr'), 'root, unshare and getfattr');
  requires(context, has('podman') && has('buildah'), 'podman and buildah');
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  const config = { Cmd: ['/bin/su'], Env: ['A=1'], WorkingDir: '/home/me', User: '1000', Labels: { a: 'b' } };
  const image = await loadImage(store, writeArchive(directory, layoutFiles({ layers: LAYERS, config })), {
    reference: 'me/app:v1',
  });
  return { directory, store, image, seen: treeOf(image.layers), ...setUpPodman(directory) };
}

describe.for([
  ['oci', 'oci-archive'],
  ['docker', 'docker-archive'],
] as const)('saved as %s', ([format, transport]) => {
  test('podman loads what is in the store, to the last byte', async (context) => {
    const { directory, store, seen, podman } = await setUp(context);
    const path = join(directory, 'saved.tar');
    await saveImage(store, 'me/app:v1', path, { format });
    podman('load', '-q', '-i', path);
    const [inspected] = JSON.parse(podman('image', 'inspect', 'docker.io/me/app:v1'));
    expect(inspected.Config).toMatchObject({ Cmd: ['/bin/su'], Env: ['A=1'], WorkingDir: '/home/me', User: '1000' });
    expect(treeAt(podman('image', 'mount', 'docker.io/me/app:v1'))).toEqual(seen);
    podman('image', 'umount', 'docker.io/me/app:v1');
  });

  test('buildah builds on it, and what it commits is loaded', async (context) => {
    const { directory, store, buildah } = await setUp(context);
    const [saved, committed] = [join(directory, 'saved.tar'), join(directory, 'committed.tar')];
    await saveImage(store, 'me/app:v1', saved, { format });
    buildah('from', '-q', '--name', 'work', `${transport}:${saved}`);
    const root = buildah('mount', 'work');
    execFileSync('sh', ['-ec', CHANGES, root]);
    buildah('config', '--env', 'B=2', 'work');
    buildah('commit', '-q', 'work', `oci-archive:${committed}`);
    // Not what it was before: buildah writes whole seconds, and no hard links between layers.
    buildah('from', '-q', '--name', 'again', `oci-archive:${committed}`);
    const seen = treeAt(buildah('mount', 'again'));
    const { layers, config } = await loadImage(store, committed);
    expect(config).toMatchObject({ Env: ['A=1', 'B=2'], Cmd: ['/bin/su'] });
    expect(layers.length).toBeGreaterThan(2);
    expect(treeOf(layers)).toEqual(seen);
    buildah('umount', '--all');
  });

  test('what podman saves is loaded', async (context) => {
    const { directory, store, seen, podman } = await setUp(context);
    const [saved, again] = [join(directory, 'saved.tar'), join(directory, 'again.tar')];
    await saveImage(store, 'me/app:v1', saved, { format });
    podman('load', '-q', '-i', saved);
    podman('save', '-q', '--format', transport, '-o', again, 'docker.io/me/app:v1');
    const other = openStore(join(directory, 'other'));
    const { layers, config, references } = await loadImage(other, again);
    expect(references).toEqual(['docker.io/me/app:v1']);
    expect(config).toMatchObject({ Labels: { a: 'b' }, User: '1000' });
    expect(treeOf(layers)).toEqual(seen);
  });
});

/** What a container might do to its root. */
const CHANGES = `
cd "$0"
rm -r etc/added hidden replaced
echo new > replaced
chown 12:34 home/me
ln bin/ping bin/ping-too
mknod disk b 7 1
mkdir -p deep/er
echo deep > deep/er/file
touch -h -d @5.5 link
`;

test('what podman exports is imported, and what is imported podman loads', async (context) => {
  const { directory, store, seen, podman } = await setUp(context);
  const [saved, exported, again] = ['saved.tar', 'exported.tar', 'again.tar'].map((name) => join(directory, name));
  await saveImage(store, 'me/app:v1', saved as string, { format: 'docker' });
  podman('load', '-q', '-i', saved as string);
  const container = podman('create', '--network', 'none', 'docker.io/me/app:v1');
  podman('export', '-o', exported as string, container);
  const imported = await importImage(store, exported as string, { reference: 'me/root' });
  expect(imported.layers).toHaveLength(1);
  // Podman exports whole seconds.
  const exportedTree = seen.map((line) => line.replace('1600000000.1234567890', '1600000000.0000000000'));
  expect(treeOf(imported.layers)).toEqual(exportedTree);
  await saveImage(store, 'me/root', again as string, { format: 'docker' });
  podman('load', '-q', '-i', again as string);
  expect(treeAt(podman('image', 'mount', 'docker.io/me/root:latest'))).toEqual(exportedTree);
  podman('image', 'umount', 'docker.io/me/root:latest');
  podman('rm', container);
});

test('several images go in one archive, and share their layers in it', async (context) => {
  const { directory, store, podman } = await setUp(context);
  const other = join(directory, 'other');
  mkdirSync(other);
  await loadImage(store, writeArchive(other, layoutFiles({ layers: LAYERS.slice(0, 1), config: { Cmd: ['other'] } })), {
    reference: 'me/other',
  });
  const path = join(directory, 'saved.tar');
  await saveImage(store, ['me/app:v1', 'me/other'], path, { format: 'docker' });
  podman('load', '-q', '-i', path);
  const names = JSON.parse(podman('images', '--format', 'json')).flatMap(({ Names }: { Names: string[] }) => Names);
  expect(names.sort()).toEqual(['docker.io/me/app:v1', 'docker.io/me/other:latest']);
});
