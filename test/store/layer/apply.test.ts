import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lsetxattr } from '../../../syscalls/index.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { attribute, unpackInto } from '../support/layers.ts';
import { describeTree } from '../support/tree.ts';

const isRoot = process.geteuid?.() === 0;
const owner = `${process.geteuid?.()}:${process.getegid?.()}`;

/** A mask that would take bits away from every mode. */
let umask = 0;
beforeEach(() => {
  umask = process.umask(0o077);
});
afterEach(() => {
  process.umask(umask);
});

test('files, directories, links and FIFOs are unpacked with their exact modes', async (context) => {
  const directory = temporaryDirectory(context);
  const notes = await unpackInto(directory, [
    { name: './', type: '5', mode: 0o755 },
    { name: './dir/', type: '5', mode: 0o3775 },
    { name: './dir/file', mode: 0o4711, content: 'content' },
    { name: './dir/hard', type: '1', link: './dir/file' },
    { name: './closed', type: '5', mode: 0o555 },
    { name: './closed/inside', mode: 0o400, content: 'inside' },
    { name: './soft', type: '2', mode: 0o777, link: '/etc/../dir' },
    { name: './fifo', type: '6', mode: 0o666 },
  ]);
  expect(notes).toEqual([]);
  expect(describeTree(join(directory, 'root'))).toEqual([
    `555 ${owner} closed/`,
    `400 ${owner} closed/inside "inside"`,
    `3775 ${owner} dir/`,
    `4711 ${owner} dir/file "content"`,
    `4711 ${owner} dir/hard "content"`,
    `666 ${owner} fifo FIFO`,
    `777 ${owner} soft -> /etc/../dir`,
  ]);
  expect(statSync(join(directory, 'root/dir/file')).nlink).toBe(2);
});

describe('files have their exact modes', () => {
  const MODES = [0o400, 0o444, 0o600, 0o644, 0o755, 0o777, 0o2755, 0o4755];
  const modesIn = (root: string) => MODES.map((mode) => statSync(join(root, `${mode}`)).mode & 0o7777);
  const entries = MODES.flatMap((mode) => [
    { name: `${mode}`, mode, content: 'content' },
    { name: `${mode}-big`, mode, content: 'x'.repeat(2_000_000) },
  ]);

  test.for([0, 0o022, 0o027])('whatever the umask: %i', async (mask, context) => {
    process.umask(mask);
    const directory = temporaryDirectory(context);
    await unpackInto(directory, entries);
    expect(modesIn(join(directory, 'root'))).toEqual(MODES);
    expect(statSync(join(directory, 'root', `${0o644}-big`))).toMatchObject({ size: 2_000_000, mode: 0o100644 });
  });

  test('and whatever the default ACL of the store', async (context) => {
    process.umask(0o022);
    const directory = temporaryDirectory(context);
    // user::rwx, group::---, other::r-x (linux/posix_acl_xattr.h)
    const acl = Buffer.from('02000000' + '01000700ffffffff' + '04000000ffffffff' + '20000500ffffffff', 'hex');
    lsetxattr(directory, 'system.posix_acl_default', acl, acl.length, 0);
    await unpackInto(directory, entries);
    expect(modesIn(join(directory, 'root'))).toEqual(MODES);
  });
});

test('times are exact to the nanosecond, also of directories and links, also before 1970', async (context) => {
  const directory = temporaryDirectory(context);
  await unpackInto(directory, [
    { name: 'dir', type: '5', mode: 0o755, pax: { mtime: '1700000000.123456789' } },
    { name: 'dir/file', pax: { mtime: '1600000000.000000001' } },
    { name: 'dir/link', type: '2', link: 'file', pax: { mtime: '1500000000.999999999' } },
    { name: 'old', pax: { mtime: '-1.25' } },
  ]);
  const time = (name: string) => lstatSync(join(directory, 'root', name), { bigint: true }).mtimeNs;
  expect(time('dir')).toBe(1_700_000_000_123_456_789n);
  expect(time('dir/file')).toBe(1_600_000_000_000_000_001n);
  expect(time('dir/link')).toBe(1_500_000_000_999_999_999n);
  expect(time('old')).toBe(-1_250_000_000n);
});

test('a name is bytes, not text', async (context) => {
  const directory = temporaryDirectory(context);
  const name = Buffer.from([0x66, 0xff, 0x80]);
  await unpackInto(directory, [{ name, content: 'raw' }]);
  expect(readFileSync(Buffer.concat([Buffer.from(`${directory}/root/`), name]), 'utf8')).toBe('raw');
});

test('directories that are missing are made, with the mode of a directory and no time', async (context) => {
  const directory = temporaryDirectory(context);
  await unpackInto(directory, [{ name: 'a/b/file', mode: 0o600 }]);
  expect(describeTree(join(directory, 'root'))).toEqual([
    `755 ${owner} a/`,
    `755 ${owner} a/b/`,
    `600 ${owner} a/b/file ""`,
  ]);
  expect(lstatSync(join(directory, 'root/a')).mtimeMs).toBe(0);
});

test('of entries of one name the last counts', async (context) => {
  const directory = temporaryDirectory(context);
  await unpackInto(directory, [
    { name: 'file', content: 'first' },
    { name: 'file', content: 'second' },
    { name: 'directory/with/content', content: 'gone' },
    { name: 'directory', type: '2', link: 'file' },
    { name: 'link', type: '2', link: '/etc' },
    { name: 'link', type: '5', mode: 0o700 },
    { name: 'kept', type: '5', mode: 0o700 },
    { name: 'kept/file', mode: 0o600 },
    { name: 'kept', type: '5', mode: 0o711 },
  ]);
  expect(describeTree(join(directory, 'root'))).toEqual([
    `777 ${owner} directory -> file`,
    `644 ${owner} file "second"`,
    `711 ${owner} kept/`,
    `600 ${owner} kept/file ""`,
    `700 ${owner} link/`,
  ]);
});

test('a sparse file has its size and its holes', async (context) => {
  const directory = temporaryDirectory(context);
  const pax = { 'GNU.sparse.name': 'sparse', 'GNU.sparse.size': '1073741824', 'GNU.sparse.map': '1048576,4' };
  await unpackInto(directory, [{ name: 'GNUSparseFile.0/sparse', content: 'data', pax }]);
  const stats = statSync(join(directory, 'root/sparse'));
  expect(stats.size).toBe(1_073_741_824);
  expect(stats.blocks * 512).toBeLessThan(1_000_000);
});

test('who is not root gets the owners that can be, no devices, and is told', async (context) => {
  const directory = temporaryDirectory(context);
  const notes = await unpackInto(directory, [
    { name: 'a', uid: 1000 },
    { name: 'b', gid: 50 },
    { name: 'null', type: '3', device: [1, 3] },
  ]);
  expect(describeTree(join(directory, 'root'))).toEqual([`644 ${owner} a ""`, `644 ${owner} b ""`]);
  expect(notes).toEqual([
    '2 files belong to you instead of 1000:0 (1), 0:50 (1): there is one id',
    '1 device left out: only root can make them',
  ]);
});

test.runIf(isRoot)('root keeps owners, devices and file capabilities', async (context) => {
  const directory = temporaryDirectory(context);
  // VFS_CAP_REVISION_2, effective, cap_net_raw
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  const notes = await unpackInto(
    directory,
    [
      { name: 'home', type: '5', mode: 0o750, uid: 1000, gid: 100 },
      { name: 'home/link', type: '2', link: 'x', uid: 1000, gid: 100 },
      { name: 'ping', mode: 0o4755, uid: 5, gid: 6, pax: { 'SCHILY.xattr.security.capability': capability } },
      { name: 'null', type: '3', mode: 0o666, device: [1, 3] },
      { name: 'loop', type: '4', mode: 0o660, gid: 6, device: [7, 0] },
    ],
    true,
  );
  expect(notes).toEqual([]);
  expect(describeTree(join(directory, 'root'))).toEqual([
    '750 1000:100 home/',
    '777 1000:100 home/link -> x',
    '660 0:6 loop block device 7:0',
    '666 0:0 null character device 1:3',
    '4755 5:6 ping ""',
  ]);
  expect(attribute(join(directory, 'root/ping'), 'security.capability')).toEqual(capability);
});

test('attributes of users are kept, on a file that nobody may write too', async (context) => {
  const directory = temporaryDirectory(context);
  const value = Buffer.from([0, 1, 0xff]);
  await unpackInto(directory, [{ name: 'file', mode: 0o444, pax: { 'SCHILY.xattr.user.raw': value } }]);
  expect(attribute(join(directory, 'root/file'), 'user.raw')).toEqual(value);
});

test("overlay's own attributes are never those of an image", async (context) => {
  const directory = temporaryDirectory(context);
  const pax = { 'SCHILY.xattr.trusted.overlay.redirect': '/etc', 'SCHILY.xattr.user.overlay.opaque': 'y' };
  const notes = await unpackInto(directory, [{ name: 'dir', type: '5', mode: 0o755, pax }], isRoot);
  expect(attribute(join(directory, 'root/dir'), 'user.overlay.opaque')).toBeUndefined();
  expect(attribute(join(directory, 'root/dir'), 'trusted.overlay.redirect')).toBeUndefined();
  expect(notes).toEqual([
    "1 attribute 'trusted.overlay.redirect' left out: images do not decide them",
    "1 attribute 'user.overlay.opaque' left out: images do not decide them",
  ]);
});

describe('refused is', () => {
  test.for([
    ['a link to nothing', [{ name: 'a', type: '1', link: 'nothing' }], 'LAYER_INVALID'],
    [
      'a link to a directory',
      [
        { name: 'd', type: '5' },
        { name: 'a', type: '1', link: 'd' },
      ],
      'LAYER_INVALID',
    ],
    ['a link to itself', [{ name: 'a' }, { name: 'a', type: '1', link: 'a' }], 'LAYER_INVALID'],
    ['a root that is a link', [{ name: './', type: '2', link: '/' }], 'LAYER_INVALID'],
    ['a name of 256 bytes', [{ name: 'a', pax: { path: 'x'.repeat(256) } }], 'LAYER_NOT_UNPACKED'],
  ] as const)('%s', async ([, entries, code], context) => {
    await expect(unpackInto(temporaryDirectory(context), entries)).rejects.toMatchObject({ code });
  });
});
