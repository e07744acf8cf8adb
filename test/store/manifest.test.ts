import { describe, expect, test } from 'vitest';
import { parseDocument } from '../../store/json.ts';
import { MEDIA_TYPES, readImageDocument, readIndex, readManifest } from '../../store/manifest.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const config = { mediaType: MEDIA_TYPES.config, digest, size: 2 };
const layer = { mediaType: MEDIA_TYPES.layerGzip, digest, size: 3 };
const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, config, layers: [layer] };
const entry = {
  mediaType: MEDIA_TYPES.manifest,
  digest,
  size: 4,
  platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
};
const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [entry] };
const image = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digest] } };

const parseManifest = (document: unknown) => parseDocument(JSON.stringify(document), 'manifest', readManifest);
const parseIndex = (document: unknown) => parseDocument(JSON.stringify(document), 'index', readIndex);
const parseImage = (document: unknown) => parseDocument(JSON.stringify(document), 'configuration', readImageDocument);

test("OCI's and Docker's manifests and indexes are read", () => {
  expect(parseManifest(manifest)).toEqual({ config, layers: [layer] });
  expect(parseManifest({ ...manifest, mediaType: MEDIA_TYPES.dockerManifest })).toEqual({ config, layers: [layer] });
  expect(parseManifest({ ...manifest, mediaType: undefined })).toEqual({ config, layers: [layer] });
  expect(parseIndex(index)).toEqual({ manifests: [entry] });
  expect(parseIndex({ ...index, mediaType: MEDIA_TYPES.dockerList })).toEqual({ manifests: [entry] });
});

test('a configuration is read, with what Go writes for nothing', () => {
  const document = {
    ...image,
    created: '2026-11-21T00:00:00Z',
    config: {
      Env: ['A=1'],
      Cmd: null,
      Entrypoint: ['/init'],
      User: '',
      Labels: { __proto__x: 'y' },
      Volumes: { '/data': {} },
      Unknown: 1,
    },
  };
  expect(parseImage(document)).toEqual({
    platform: { os: 'linux', architecture: 'amd64' },
    config: { Env: ['A=1'], Entrypoint: ['/init'], User: '', Labels: { __proto__x: 'y' }, Volumes: { '/data': {} } },
    diffIds: [digest],
    created: '2026-11-21T00:00:00Z',
  });
});

test('a configuration is frozen: all containers of the image share it', () => {
  const { config: read } = parseImage({ ...image, config: { Env: ['A=1'], Labels: { a: 'b' } } });
  expect(() => (read.Env as string[]).push('B=2')).toThrow(TypeError);
  expect(() => Object.assign(read.Labels ?? {}, { a: 'c' })).toThrow(TypeError);
});

describe('a document is refused', () => {
  test.each([
    [
      'that is a manifest and an index (CVE-2021-41190)',
      () => parseManifest({ ...manifest, manifests: [] }),
      "no 'manifests'",
    ],
    ['that is an index and a manifest', () => parseIndex({ ...index, layers: [] }), "no 'layers'"],
    ['that is an index and has a configuration', () => parseIndex({ ...index, config }), "no 'config'"],
    [
      'of another media type than it is read as',
      () => parseManifest({ ...manifest, mediaType: MEDIA_TYPES.index }),
      'mediaType must be',
    ],
    ['of schema 1', () => parseManifest({ schemaVersion: 1, fsLayers: [] }), 'schemaVersion must be 2, got 1'],
    [
      'with a digest that is a path',
      () => parseManifest({ ...manifest, config: { ...config, digest: 'sha256:../../x' } }),
      'config.digest must be a sha256 digest',
    ],
    [
      'with a negative size',
      () => parseManifest({ ...manifest, layers: [{ ...layer, size: -1 }] }),
      'layers[0].size must be a whole number',
    ],
    [
      'with a size that no number holds',
      () => parseManifest({ ...manifest, config: { ...config, size: 2 ** 60 } }),
      'config.size must be a whole number',
    ],
    ['without layers', () => parseManifest({ ...manifest, layers: undefined }), 'layers must be an array, got nothing'],
    [
      'with an environment of numbers',
      () => parseImage({ ...image, config: { Env: [1] } }),
      'config.Env[0] must be a string, got 1',
    ],
    ['without a root file system', () => parseImage({ ...image, rootfs: null }), 'rootfs must be an object, got null'],
    ['that is a list', () => parseManifest([]), 'the document must be an object'],
    ['that is no JSON', () => parseDocument('{', 'manifest', readManifest), 'manifest is not valid'],
  ])('%s', (_, parse, message) => {
    let error: unknown;
    try {
      parse();
    } catch (reason) {
      error = reason;
    }
    expect(error).toMatchObject({ code: 'IMAGE_INVALID', message: expect.stringContaining(message) });
  });
});
