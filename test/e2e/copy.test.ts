/** Files and trees copied into containers and out of them, as docker cp does. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Container, Image } from 'caisson';
import { beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { lgetxattr, llistxattr, lsetxattr } from '../../syscalls/index.ts';
import { runSubordinate } from '../support/subordinate-ids.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runUnprivileged } from '../support/unprivileged.ts';
import { isRoot, privateStore, sh } from './fixture.ts';

privateStore();

beforeAll(() => {
  const before = process.umask(0o022);
  return () => void process.umask(before);
});

const SPARSE_BYTES = 64 << 20;

/** A tree with one of everything; its directory. */
function makeTree(context: TestContext): string {
  const root = temporaryDirectory(context, 0o755);
  const tree = join(root, 'tree');
  mkdirSync(join(tree, 'below/deep'), { recursive: true });
  writeFileSync(join(tree, 'file'), 'content');
  linkSync(join(tree, 'file'), join(tree, 'below/other-name'));
  writeFileSync(join(tree, 'program'), '#!/bin/sh\n');
  chmodSync(join(tree, 'program'), 0o4755);
  symlinkSync('file', join(tree, 'link'));
  symlinkSync('/etc/passwd', join(tree, 'absolute'));
  symlinkSync('nowhere', join(tree, 'dangling'));
  execFileSync('mkfifo', [join(tree, 'fifo')]);
  writeFileSync(join(tree, 'sparse'), 'begin');
  truncateSync(join(tree, 'sparse'), SPARSE_BYTES);
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.of(0xff, 0x0a, 0x80)]), 'name of bytes');
  chmodSync(join(tree, 'below'), 0o750);
  utimesSync(join(tree, 'file'), 1, 981_173_106.789);
  lutimesSync(join(tree, 'link'), 1, 2);
  utimesSync(join(tree, 'below'), 1, 3);
  return tree;
}

/** Everything in a tree, as text to compare: kinds, modes, owners, sizes, times, targets, links, content. */
function describeTree(tree: string, owner = '%U:%G '): string {
  const list = `find . -printf '%p %y %m ${owner}%s %T@ %l %n\\n' | sort; find . -type f -size -1M -print0 | sort -z | xargs -0 sha256sum`;
  return execFileSync('sh', ['-c', list], { cwd: tree, encoding: 'latin1' });
}

async function start(): Promise<Container> {
  return Container.start(Image.host(), { command: ['sleep', '60'] });
}

describe.each(['created', 'running', 'exited'] as const)('a container that is %s', (state) => {
  test('gets a tree and gives it back, with all that it is made of', async (context) => {
    const tree = makeTree(context);
    await using container = await Container.create(Image.host(), { command: ['sleep', '60'] });
    if (state !== 'created') await container.start();
    if (state === 'exited') await container.kill();
    // Of the sparse file, it is the block that has data in it.
    const expected = { files: 12, bytes: 4096 + 'content#!/bin/sh\nname of bytes'.length, losses: [] };
    expect(await container.copyIn(tree, '/srv')).toEqual(expected);
    const back = temporaryDirectory(context);
    expect(await container.copyOut('/srv/tree', back, { preserveOwner: isRoot })).toEqual(expected);
    if (isRoot) expect(describeTree(join(back, 'tree'))).toBe(describeTree(tree));
    else expect(describeTree(join(back, 'tree'), '')).toBe(describeTree(tree, '').replace(' 4755 ', ' 755 '));
    const { blocks, size } = statSync(join(back, 'tree/sparse'));
    expect(size).toBe(SPARSE_BYTES);
    expect(blocks).toBeLessThan(100);
    expect(statSync(join(back, 'tree/file')).ino).toBe(statSync(join(back, 'tree/below/other-name')).ino);
  });
});

test('what is copied in is the container’s root’s, whoever owned it here', async (context) => {
  const tree = makeTree(context);
  await using container = await start();
  await container.copyIn(tree, '/srv/new');
  const { stdout } = await container.exec(sh('find /srv/new ! -user 0 -o ! -group 0; stat -c %a /srv/new/program'));
  expect(stdout).toBe('4755\n');
});

test.runIf(isRoot)('owners are looked up in the container, by name', async (context) => {
  const tree = makeTree(context);
  await using container = await start();
  await container.fs.writeFile('/etc/passwd', 'root:x:0:0::/:\napp:x:1234:5678::/:\n');
  await container.fs.writeFile('/etc/group', 'root:x:0:\nstaff:x:50:\n');
  const ownersOf = async (path: string) => {
    const found = [await container.fs.stat(path), await container.fs.lstat(`${path}/link`)];
    return found.map(({ uid, gid }) => `${uid}:${gid}`);
  };
  await container.copyIn(tree, '/srv/a', { owner: 'app' });
  await container.copyIn(tree, '/srv/b', { owner: 'app:staff' });
  await container.copyIn(tree, '/srv/c', { owner: '7:8' });
  await container.copyIn(tree, '/srv/d', { owner: 1234 });
  expect(await Promise.all(['/srv/a', '/srv/b', '/srv/c', '/srv/d'].map(ownersOf))).toEqual([
    ['1234:5678', '1234:5678'],
    ['1234:50', '1234:50'],
    ['7:8', '7:8'],
    ['1234:5678', '1234:5678'],
  ]);
  await expect(container.copyIn(tree, '/srv/e', { owner: 'nobody-there' })).rejects.toMatchObject({
    code: 'USER_NOT_FOUND',
  });
  execFileSync('chown', ['-R', '11:12', tree]);
  await container.copyIn(tree, '/srv/f', { preserveOwner: true });
  expect(await ownersOf('/srv/f')).toEqual(['11:12', '11:12']);
});

test('a copy to where no directory is, is refused by the name of that, in either direction', async (context) => {
  const directory = temporaryDirectory(context);
  const tree = makeTree(context);
  await using container = await Container.start(Image.host(), { command: ['sleep', '60'] });
  for (const source of [tree, `${tree}/.`, join(tree, 'file')]) {
    await expect(container.copyIn(source, '/nosuch/dir/x')).rejects.toMatchObject({
      code: 'TARGET_NOT_FOUND',
      message: "there is no directory '/nosuch/dir' to make '/nosuch/dir/x' in",
    });
  }
  for (const source of ['/etc', '/etc/.', '/etc/passwd']) {
    const target = join(directory, 'nosuch/x/y');
    await expect(container.copyOut(source, target)).rejects.toMatchObject({
      code: 'TARGET_NOT_FOUND',
      message: `there is no directory '${join(directory, 'nosuch/x')}' to make '${target}' in`,
    });
  }
  expect(await container.fs.readdir('/')).not.toContain('nosuch');
  expect(readdirSync(directory)).toEqual([]);
});

test('an option of copies that there is not is refused', async (context) => {
  const directory = temporaryDirectory(context);
  await using container = await Container.create(Image.host());
  for (const [options, message] of [
    [{ mode: 1 }, /^unknown option 'mode'; there are /],
    [{ preserveOwners: true }, /did you mean 'preserveOwner'\?/],
    [{ followLink: 'yes' }, /^option 'followLink' must be a boolean, got "yes"/],
    [null, /^options must be an object, got null/],
  ] as const) {
    const untyped = options as object;
    await expect(container.copyIn(directory, '/srv', untyped)).rejects.toThrow(message);
    await expect(container.copyOut('/etc', directory, untyped)).rejects.toThrow(message);
    await expect(container.putArchive(createReadStream('/dev/null'), '/srv', untyped)).rejects.toThrow(message);
    expect(() => container.getArchive('/etc', untyped)).toThrow(message);
  }
  await expect(container.copyIn(directory, '/srv', { owner: -1 })).rejects.toThrow(/^option 'owner' must be a name/);
  await expect(container.copyOut('/etc', directory, { owner: 1 } as object)).rejects.toThrow(/^unknown option 'owner'/);
});

test('without root, owners that are not there are left out, and the result says so', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
    mkdirSync('tree');
    writeFileSync('tree/file', 'x');
    await using container = await Container.start(Image.host(), { command: ['sleep', '60'] });
    const copied = await container.copyIn('tree', '/srv', { preserveOwner: true });
    const tarred = await container.putArchive(container.getArchive('/srv/tree'), '/opt');
    const out = await container.copyOut('/opt/tree/file', 'back');
    const refused = await container.copyIn('tree', '/srv/x', { owner: 1 }).catch(({ code, hint }) => [code, hint]);
    console.log(JSON.stringify([copied, tarred, out, refused, readFileSync('back', 'utf8'), statSync('back').uid === process.getuid()]));
  `;
  const { stdout, stderr } = await runUnprivileged(context, script);
  const flattened = { files: 2, bytes: 1, losses: ['2 owners left out: the container does not have these ids'] };
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([
    flattened,
    { files: 2, bytes: 1, losses: [] },
    { files: 1, bytes: 1, losses: [] },
    ['USER_NOT_MAPPED', expect.stringContaining('usermod --add-subuids')],
    'x',
    true,
  ]);
});

test.runIf(isRoot)(
  'with subordinate ids, files have the owners that the container knows, running or not',
  async (context) => {
    const script = `
    import { Container, Image } from 'caisson';
    import { mkdirSync, writeFileSync } from 'node:fs';
    mkdirSync('tree');
    writeFileSync('tree/file', 'x', { mode: 0o600 });
    await using container = await Container.create(Image.host(), { command: ['sleep', '60'] });
    const seen = [];
    for (const path of ['/srv/before', '/srv/after']) {
      await container.copyIn('tree', path, { owner: '33:44' });
      await container.fs.chown(path, 55, 66);
      const [top, file] = [await container.fs.stat(path), await container.fs.stat(path + '/file')];
      seen.push([top.uid, top.gid, file.uid, file.gid, await container.fs.readFile(path + '/file', 'utf8')]);
      if (container.state === 'created') await container.start();
    }
    seen.push((await container.exec(['stat', '-c', '%u:%g', '/srv/before', '/srv/after/file'])).stdout);
    seen.push(await container.copyOut('/srv', 'out'), await container.putArchive(container.getArchive('/srv'), '/opt'));
    seen.push((await container.exec(['stat', '-c', '%u:%g', '/opt/srv/before/file'])).stdout);
    await container.fs.rm('/srv', { recursive: true });
    console.log(JSON.stringify(seen));
  `;
    const { stdout, stderr } = await runSubordinate(context, script);
    expect(stderr).toBe('');
    const result = { files: 5, bytes: 2, losses: [] };
    expect(JSON.parse(stdout)).toEqual([
      [55, 66, 33, 44, 'x'],
      [55, 66, 33, 44, 'x'],
      '55:66\n33:44\n',
      result,
      result,
      '33:44\n',
    ]);
  },
);

test('copies go where docker cp puts them', async (context) => {
  const tree = makeTree(context);
  const root = temporaryDirectory(context);
  await using container = await start();
  const names = async (path: string) => (await container.fs.readdir(path)).length;
  const all = readdirSync(tree).length;

  await container.copyIn(join(tree, 'file'), '/srv');
  await container.copyIn(join(tree, 'file'), '/srv/renamed');
  await container.copyIn(join(tree, 'program'), '/srv/renamed');
  expect(await container.fs.readFile('/srv/file', 'utf8')).toBe('content');
  expect(await container.fs.readFile('/srv/renamed', 'utf8')).toBe('#!/bin/sh\n');
  await container.copyIn(tree, '/srv/new');
  await container.copyIn(tree, '/srv/new');
  await container.copyIn(`${tree}/.`, '/srv/new');
  expect([await names('/srv/new'), await names('/srv/new/tree')]).toEqual([all + 1, all]);
  await container.copyOut('/srv/new/tree/.', root);
  await container.copyOut('srv/file', join(root, 'again'));
  expect(readdirSync(root)).toHaveLength(all + 1);

  for (const [source, target, code] of [
    [join(tree, 'nothing'), '/srv', 'SOURCE_NOT_FOUND'],
    [join(tree, 'file'), '/srv/nothing/', 'TARGET_NOT_FOUND'],
    [join(tree, 'file'), '/srv/nothing/file', 'TARGET_NOT_FOUND'],
    [tree, '/srv/nothing/tree', 'TARGET_NOT_FOUND'],
    [tree, '/srv/file', 'NOT_A_DIRECTORY'],
    [`${tree}/file/`, '/srv', 'ENOTDIR'],
  ] as const) {
    await expect(container.copyIn(source, target), `${source} to ${target}`).rejects.toMatchObject({ code });
  }
  await container.fs.mkdir('/srv/conflict/file', { recursive: true });
  await expect(container.copyIn(`${tree}/.`, '/srv/conflict')).rejects.toMatchObject({ code: 'TARGET_IS_DIRECTORY' });
  await expect(container.copyOut('/nothing', root)).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  await expect(container.copyOut('/srv/file', join(root, 'no/file'))).rejects.toMatchObject({
    code: 'TARGET_NOT_FOUND',
  });
});

test('a link is copied as a link, or as what it leads to when that is asked for', async (context) => {
  const tree = makeTree(context);
  const root = temporaryDirectory(context);
  await using container = await start();
  await container.copyIn(join(tree, 'link'), '/srv/one');
  await container.copyIn(join(tree, 'link'), '/srv/', { followLink: true });
  expect([await container.fs.readlink('/srv/one'), await container.fs.readFile('/srv/link', 'utf8')]).toEqual([
    'file',
    'content',
  ]);
  await container.copyOut('/srv/one', root);
  expect(readlinkSync(join(root, 'one'))).toBe('file');
  await container.fs.writeFile('/srv/file', 'of the container');
  await container.copyOut('/srv/one', root, { followLink: true });
  expect(readFileSync(join(root, 'one'), 'utf8')).toBe('of the container');
});

test('directories that are there keep their modes, links to directories are gone through, and what is in the way is replaced', async (context) => {
  const tree = makeTree(context);
  await using container = await start();
  await container.exec(
    sh('cd /srv; mkdir -p real; chmod 700 real; ln -s real below; echo old > file; ln -s /etc/passwd sparse'),
  );
  const passwd = await container.fs.readFile('/etc/passwd', 'utf8');
  await container.copyIn(`${tree}/.`, '/srv');
  expect(await container.fs.readdir('/srv/real')).toEqual(['deep', 'other-name']);
  expect((await container.fs.stat('/srv/real')).mode & 0o777).toBe(0o700);
  expect((await container.fs.lstat('/srv/sparse')).isFile()).toBe(true);
  expect(await container.fs.readFile('/etc/passwd', 'utf8')).toBe(passwd);
});

test.runIf(isRoot)('attributes of users and of programs go with their files', async (context) => {
  const root = temporaryDirectory(context, 0o755);
  writeFileSync(join(root, 'file'), '');
  // CAP_NET_RAW, as setcap(8) writes it: include/uapi/linux/capability.h, vfs_cap_data, version 2.
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  for (const [name, value] of [
    ['user.key', Buffer.from('value')],
    ['security.capability', capability],
  ] as const)
    lsetxattr(join(root, 'file'), name, value, value.length, 0);
  await using container = await start();
  await container.copyIn(join(root, 'file'), '/srv/file', { owner: '5:5' });
  await container.copyOut('/srv/file', join(root, 'plain'));
  await container.copyOut('/srv/file', join(root, 'same'), { preserveOwner: true });
  const attributes = (name: string) => {
    const list = Buffer.alloc(1000);
    return list.toString('utf8', 0, llistxattr(join(root, name), list, list.length));
  };
  expect(attributes('plain')).toBe('user.key\0');
  expect(attributes('same').split('\0').toSorted()).toEqual(['', 'security.capability', 'user.key']);
  const kept = Buffer.alloc(100);
  expect(kept.subarray(0, lgetxattr(join(root, 'same'), 'security.capability', kept, 100))).toEqual(capability);
});

test('archives go in and out as GNU tar makes and reads them', async (context) => {
  const tree = makeTree(context);
  const root = temporaryDirectory(context, 0o755);
  await using container = await start();
  execFileSync('tar', [
    '--numeric-owner',
    '--owner=0',
    '--group=0',
    '--format=posix',
    '-czSf',
    join(root, 'in.tar.gz'),
    '-C',
    tree,
    '.',
  ]);
  const put = await container.putArchive(createReadStream(join(root, 'in.tar.gz')), '/srv');
  expect(put).toMatchObject({ files: 11, losses: [] });
  expect(await container.putArchive(readFileSync(join(root, 'in.tar.gz')), '/opt')).toEqual(put);
  await pipeline(container.getArchive('/srv'), createWriteStream(join(root, 'out.tar')));
  execFileSync('tar', ['-xpSf', join(root, 'out.tar'), '-C', root]);
  const withoutTop = (text: string) =>
    text
      .split('\n')
      .filter((line) => !line.startsWith('. '))
      .join('\n');
  const owner = isRoot ? '%U:%G ' : '';
  expect(withoutTop(describeTree(join(root, 'srv'), owner))).toBe(withoutTop(describeTree(tree, owner)));
});

test('an archive that is none, or leads out, is refused; devices are left out, and the result says so', async (context) => {
  const root = temporaryDirectory(context, 0o755);
  writeFileSync(join(root, 'noise'), Buffer.alloc(2048, 'noise'));
  writeFileSync(join(root, 'evil'), 'x');
  const tar = (...args: string[]) =>
    execFileSync('tar', ['-C', root, '--owner=0', '--group=0', '-cPf', join(root, 'evil.tar'), ...args]);
  await using container = await start();
  await expect(container.putArchive(createReadStream(join(root, 'noise')), '/srv')).rejects.toMatchObject({
    code: 'ARCHIVE_INVALID',
  });
  tar('--transform=s|^|../../|', 'evil');
  await expect(container.putArchive(createReadStream(join(root, 'evil.tar')), '/srv')).rejects.toMatchObject({
    code: 'ARCHIVE_INVALID',
  });
  tar('/dev/null', 'evil');
  expect(await container.putArchive(createReadStream(join(root, 'evil.tar')), '/srv')).toEqual({
    ...{ files: 2, bytes: 1 },
    losses: ['1 device left out'],
  });
  await expect(container.putArchive(createReadStream(join(root, 'evil.tar')), '/nothing')).rejects.toMatchObject({
    code: 'TARGET_NOT_FOUND',
  });
});

test('a copy ends when it is aborted, and an archive that nobody reads further when it is destroyed', async (context) => {
  const tree = makeTree(context);
  await using container = await start();
  const reason = new Error('enough');
  await expect(container.copyIn(tree, '/srv', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  writeFileSync(join(tree, 'big'), Buffer.alloc(64 << 20));
  const controller = new AbortController();
  const copying = container.copyIn(tree, '/srv/aborted', { signal: controller.signal });
  setImmediate(() => controller.abort(reason));
  await expect(copying).rejects.toBe(reason);
  await container.copyIn(tree, '/srv/whole');
  const archive = container.getArchive('/srv/whole');
  await new Promise((resolve) => archive.once('readable', resolve));
  archive.destroy();
  await container.kill();
  await container.start();
  expect(lstatSync(tree).isDirectory()).toBe(true);
});
