import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { digestOf } from '../../../store/digest.ts';
import { packLayer } from '../../../store/layer/pack.ts';
import { stageLayer } from '../../../store/layer/unpack.ts';
import { blobPath, openStore } from '../../../store/layout.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { outgoing } from '../support/entries.ts';
import { inChunks } from '../support/streams.ts';

const ENTRIES = [
  outgoing({ name: 'dir', type: 'directory', mode: 0o755 }),
  outgoing({ name: 'dir/file', content: 'x'.repeat(2_000_000) }),
];

test('a layer is a blob with both digests, and can be unpacked by them', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const { diffId, descriptor } = await packLayer(store, ENTRIES);
  const blob = readFileSync(blobPath(store, descriptor.digest));
  expect(descriptor).toEqual({
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    digest: digestOf(blob),
    size: blob.length,
  });
  expect(diffId).toBe(digestOf(gunzipSync(blob)));
  const { path } = await stageLayer(store, inChunks(blob), diffId);
  expect(readFileSync(join(path, 'dir/file'), 'latin1')).toBe('x'.repeat(2_000_000));
});

test('the same entries make the same blob', async (context) => {
  const [one, other] = [openStore(temporaryDirectory(context)), openStore(temporaryDirectory(context))];
  expect(await packLayer(one, ENTRIES)).toEqual(await packLayer(other, ENTRIES));
});

test('a layer may stay uncompressed, and then has one digest', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const { diffId, descriptor } = await packLayer(store, ENTRIES, { compression: 'none' });
  expect(descriptor).toMatchObject({ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: diffId });
  expect(statSync(blobPath(store, diffId)).size).toBe(descriptor.size);
});

test('zstd is written where Node has it, and refused where it has not', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const packed = packLayer(store, ENTRIES, { compression: 'zstd' });
  if (!('createZstdCompress' in (await import('node:zlib')))) {
    await expect(packed).rejects.toMatchObject({ code: 'COMPRESSION_UNSUPPORTED' });
    return;
  }
  const { diffId, descriptor } = await packed;
  expect(descriptor.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+zstd');
  await stageLayer(store, inChunks(readFileSync(blobPath(store, descriptor.digest))), diffId);
});

test.for([
  ['an entry that is not as it says', () => [outgoing({ name: 'a', content: 'abc', size: 4 })], {}, TypeError],
  ['an aborted signal', () => ENTRIES, { signal: AbortSignal.abort(new Error('no more')) }, 'no more'],
] as const)('after %s nothing is left', async ([, entries, options, error], context) => {
  const store = openStore(temporaryDirectory(context));
  await expect(packLayer(store, entries(), options)).rejects.toThrow(error);
  expect([...readdirSync(store.tmp), ...readdirSync(store.blobs)]).toEqual([]);
});
