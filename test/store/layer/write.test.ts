import { afterEach, expect, test } from 'vitest';
import { sourceDateEpoch } from '../../../store/creation-time.ts';
import { digestOf } from '../../../store/digest.ts';
import { readTar, type TarEntry } from '../../../store/layer/read.ts';
import { type WriteTarOptions, writeTar } from '../../../store/layer/write.ts';
import { type EntryParts, outgoing } from '../support/entries.ts';
import { collect, inChunks } from '../support/streams.ts';

const write = (entries: readonly EntryParts[], options?: WriteTarOptions) =>
  collect(writeTar(entries.map(outgoing), options));

async function read(archive: Uint8Array): Promise<(TarEntry & { digest: string })[]> {
  const entries = [];
  for await (const entry of readTar(inChunks(archive))) {
    const pieces: Buffer[] = [];
    for await (const { bytes } of entry.content()) pieces.push(Buffer.from(bytes));
    entries.push({ ...entry, digest: digestOf(Buffer.concat(pieces)) });
  }
  return entries;
}

afterEach(() => {
  delete process.env.SOURCE_DATE_EPOCH;
});

const ENTRIES: readonly EntryParts[] = [
  { name: 'dir', type: 'directory', mode: 0o3755, uid: 1, gid: 2, mtimeNs: -1n },
  { name: 'dir/file', content: 'x'.repeat(1000), uid: 2 ** 31, xattrs: { 'user.raw': Buffer.from([0, 0x3d, 0x0a]) } },
  { name: 'dir/hard', type: 'hardlink', link: 'dir/file' },
  { name: 'soft', type: 'symlink', link: '/etc/'.repeat(50), mode: 0o777 },
  { name: Buffer.from([0xff, 0xfe]), content: Buffer.alloc(512, 1) },
  { name: 'ü'.repeat(120), content: Buffer.alloc(3_000_000, 2) },
  { name: 'null', type: 'character-device', major: 1, minor: 3 },
  { name: 'sda', type: 'block-device', major: 4095, minor: 1_048_575 },
  { name: 'fifo', type: 'fifo', mtimeNs: 1_700_000_000_123_456_789n },
];

test('what is written is read again, whatever it is', async () => {
  const entries = await read(await write(ENTRIES));
  expect(entries).toHaveLength(ENTRIES.length);
  for (const [index, parts] of ENTRIES.entries()) {
    const { content: _, name, size, ...expected } = outgoing(parts);
    const isDirectory = parts.type === 'directory';
    expect(entries[index]).toMatchObject({
      ...expected,
      name: isDirectory ? Buffer.concat([name, Buffer.from('/')]) : name,
      size,
      digest: digestOf(Buffer.from(parts.content ?? '')),
    });
  }
});

test('an archive ends with two blocks of zeros, also one of nothing', async () => {
  expect(await write([])).toEqual(Buffer.alloc(1024));
});

test('content comes in pieces of any length, at once or later', async () => {
  async function* later() {
    for (const text of ['a', '', 'bc']) yield Buffer.from(text);
  }
  const entry = { ...outgoing({ name: 'a', size: 3 }), content: later };
  expect((await read(await collect(writeTar([entry]))))[0]?.digest).toBe(digestOf('abc'));
});

test.each([
  ['shorter', 4],
  ['longer', 2],
])('content that is %s than its entry says is refused', async (_, size) => {
  await expect(write([{ name: 'a', content: 'abc', size }])).rejects.toThrow(/'a' must have \d bytes, but has \d/);
});

test('no entry is younger than SOURCE_DATE_EPOCH', async () => {
  process.env.SOURCE_DATE_EPOCH = '1000';
  const times = (archive: Buffer) => read(archive).then((entries) => entries.map(({ mtimeNs }) => mtimeNs));
  const entries = [
    { name: 'old', mtimeNs: 999_999_999_999n },
    { name: 'new', mtimeNs: 1_000_000_000_001n },
  ];
  expect(await times(await write(entries))).toEqual([999_999_999_999n, 1_000_000_000_000n]);
  expect(await times(await write(entries, { latestMtimeNs: 5n }))).toEqual([5n, 5n]);
});

test('SOURCE_DATE_EPOCH is a number of seconds', () => {
  expect(sourceDateEpoch('1700000000')).toBe(1_700_000_000_000_000_000n);
  expect(sourceDateEpoch('')).toBeUndefined();
  expect(() => sourceDateEpoch('yesterday')).toThrow(/SOURCE_DATE_EPOCH must be a number of seconds, got 'yesterday'/);
});
