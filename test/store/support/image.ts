import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../../store/digest.ts';
import { machinePlatform } from '../../../store/platform.ts';
import { type Entry, tar } from './tar-writer.ts';

/** What an image is made of; what is not given is as it should be. */
export interface ImageParts {
  readonly layers?: readonly (readonly Entry[])[];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly platform?: Readonly<Record<string, string>>;
  /** Instead of the layers' own. */
  readonly diffIds?: readonly string[];
  readonly name?: string;
  /** Added to the manifest, or in place of what is there. */
  readonly manifest?: Readonly<Record<string, unknown>>;
}

/** Files by name. */
export type Files = Map<string, Buffer>;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const OCI = 'application/vnd.oci.image';

/** An OCI image layout of these images, as files. */
export function layoutFiles(...images: readonly ImageParts[]): Files {
  const files: Files = new Map([['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')]]);
  const manifests = images.map((image) => addImage(files, image));
  return files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })));
}

/** Adds an image's blobs; returns its descriptor as an index has it. */
export function addImage(files: Files, image: ImageParts) {
  const { layers = [[{ name: 'file', content: 'content' }]], config = {}, platform = { ...machinePlatform() } } = image;
  const archives = layers.map((entries) => tar(...entries));
  const document = {
    ...platform,
    config,
    rootfs: { type: 'layers', diff_ids: image.diffIds ?? archives.map(digestOf) },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: addBlob(files, `${OCI}.config.v1+json`, JSON.stringify(document)),
    layers: archives.map((archive) => addBlob(files, `${OCI}.layer.v1.tar+gzip`, gzipSync(archive))),
    ...image.manifest,
  };
  const name = image.name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': image.name } };
  return { ...addBlob(files, `${OCI}.manifest.v1+json`, JSON.stringify(manifest)), platform, ...name };
}

/** Adds a blob; returns its descriptor. */
export function addBlob(files: Files, mediaType: string, content: string | Buffer): Descriptor {
  const bytes = Buffer.from(content);
  const digest = digestOf(bytes);
  files.set(`blobs/sha256/${digest.slice(7)}`, bytes);
  return { mediaType, digest, size: bytes.length };
}

/** Writes files to a new directory; returns its path. */
export function writeFiles(directory: string, files: Files): string {
  const path = join(directory, 'layout');
  mkdirSync(join(path, 'blobs/sha256'), { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(path, name), bytes);
  return path;
}

/** Writes files to an archive; returns its path. */
export function writeArchive(
  directory: string,
  files: Files,
  encode: (archive: Buffer) => Buffer = (same) => same,
): string {
  const path = join(directory, 'image.tar');
  writeFileSync(path, encode(tar(...[...files].map(([name, content]) => ({ name, content })))));
  return path;
}
