/** An image with users and files of several owners, and a script that loads it without root. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import { layoutFiles, writeFiles } from '../store/support/image.ts';
import type { Entry } from '../store/support/tar-writer.ts';
import { runSubordinate, type SubordinateOptions } from '../support/subordinate-ids.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { busyboxTree } from './fixture.ts';

const APPLETS = [
  'sh',
  'id',
  'cat',
  'ls',
  'stat',
  'find',
  'mkdir',
  'chmod',
  'touch',
  'sleep',
  'su',
  'echo',
  'sed',
  'rm',
  'ln',
  'chown',
  'grep',
];
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\ndaemon:x:2:2::/:/bin/sh\n';
const GROUP = 'root:x:0:\napp:x:1001:\nlogs:x:44:app\n';
/** VFS_CAP_REVISION_2, effective, cap_net_raw. */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** What belongs to whom in the image: `path owner mode`, as stat(1) tells it. */
export const OWNED = [
  '/home/app 1000:1001 700',
  '/home/app/closed 1000:1001 0',
  '/home/app/link 1000:1001 777',
  '/srv/deep 7:8 711',
  '/srv/deep/first 65536:65536 640',
  '/srv/deep/second 65536:65536 640',
  '/srv/cat 0:0 755',
  '/srv/program 0:44 2755',
  '/srv/setuid 1000:0 4755',
];

/** An image of two layers: busybox with users, and files of several owners. */
export function imageOfOwners(context: TestContext): string {
  const program = readFileSync(join(busyboxTree(context), 'bin/busybox'));
  const system: Entry[] = [
    { name: 'bin/busybox', mode: 0o755, content: program },
    ...APPLETS.map((name): Entry => ({ name: `bin/${name}`, type: '2', link: 'busybox' })),
    { name: 'etc/passwd', content: PASSWD },
    { name: 'etc/group', content: GROUP },
    { name: 'tmp', type: '5', mode: 0o1777 },
    ...['dev', 'proc', 'sys'].map((name): Entry => ({ name, type: '5', mode: 0o755 })),
  ];
  const owned: Entry[] = [
    { name: 'home/app', type: '5', mode: 0o700, uid: 1000, gid: 1001 },
    { name: 'home/app/closed', mode: 0, uid: 1000, gid: 1001, content: 'secret' },
    { name: 'home/app/link', type: '2', link: 'nowhere', uid: 1000, gid: 1001 },
    { name: 'srv/deep', type: '5', mode: 0o711, uid: 7, gid: 8 },
    { name: 'srv/deep/first', mode: 0o640, uid: 65_536, gid: 65_536, mtime: 1_000_000_000, content: 'x' },
    { name: 'srv/deep/second', type: '1', link: 'srv/deep/first' },
    { name: 'srv/program', mode: 0o2755, gid: 44, content: '#!/bin/sh\n' },
    { name: 'srv/setuid', mode: 0o4755, uid: 1000, content: '#!/bin/sh\n' },
    { name: 'srv/cat', mode: 0o755, content: program, pax: { 'SCHILY.xattr.security.capability': CAPABILITY } },
  ];
  const directory = temporaryDirectory(context, 0o755);
  const layout = writeFiles(directory, layoutFiles({ layers: [system, owned], name: 'owners:latest' }));
  execFileSync('chmod', ['-R', 'a+rX', layout]);
  return layout;
}

/** Runs a script with `image` at hand, which is loaded from a path or in the store; returns what it returns. */
export async function inScript<T>(
  context: TestContext,
  image: string,
  body: string,
  options?: SubordinateOptions,
): Promise<T> {
  const script = `
    import { Container, Image } from 'caisson';
    const [, , name] = process.argv;
    const image = await (name.startsWith('/') ? Image.load(name) : Image.get(name));
    const run = async (command, options) => (await Container.run(image, command, options)).stdout;
    const sh = (script, options) => run(['sh', '-c', script], options);
    const answer = await (async () => { ${body} })();
    console.log(JSON.stringify(answer));
  `;
  const { stdout, stderr } = await runSubordinate(context, script, { args: [image], ...options });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as T;
}

/** An image layout of a directory, in one layer that GNU tar wrote. */
export function layoutOf(context: TestContext, tree: string): string {
  const layout = temporaryDirectory(context, 0o755);
  const blobs = join(layout, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const add = (content: Buffer, type: string) => {
    const digest = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(blobs, digest), content);
    return { mediaType: `application/vnd.oci.image.${type}`, digest: `sha256:${digest}`, size: content.length };
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const tar = ['-c', '--format=posix', '--xattrs', '--xattrs-include=*', '--numeric-owner', '-C', tree, '.'];
  const layer = add(execFileSync('tar', tar, { maxBuffer: 2 ** 30 }), 'layer.v1.tar');
  const rootfs = { type: 'layers', diff_ids: [layer.digest] };
  const platform = { architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux' };
  const config = add(json({ ...platform, config: { Env: ['PATH=/usr/bin:/bin'] }, rootfs }), 'config.v1+json');
  const manifest = add(json({ schemaVersion: 2, config, layers: [layer] }), 'manifest.v1+json');
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, manifests: [manifest] }));
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return layout;
}
