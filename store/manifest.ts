/**
 * The documents an image consists of, as OCI and Docker write them.
 * Sources: opencontainers/image-spec (image-index.md, manifest.md, config.md, descriptor.md), distribution's
 * manifest v2 schema 2.
 */
import { isDigest } from './digest.ts';
import { asArray, asCount, asObject, asString, asStrings, DocumentError, type JsonObject, optional } from './json.ts';

/** What a document is. Docker's names come first where an image was made by Docker. */
export const MEDIA_TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
} as const;

/** The machine an image is for. */
export interface Platform {
  /** As Go writes it: `linux`. */
  readonly os: string;
  /** As Go writes it: `amd64`, `arm64`. */
  readonly architecture: string;
  /** `v8`, `v7`. */
  readonly variant?: string;
}

/** Says where content is and what it must turn out to be. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageIndex {
  readonly manifests: readonly Descriptor[];
}

export interface ImageManifest {
  readonly config: Descriptor;
  /** Base first. */
  readonly layers: readonly Descriptor[];
}

/** How an image's containers run, in the words of its configuration. Frozen: all its containers share it. */
export interface ImageConfig {
  /** `NAME=value`. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  /** `user`, `uid`, `user:group` or `uid:gid`. */
  readonly User?: string;
  /** `SIGTERM` or its number. */
  readonly StopSignal?: string;
  /** Its keys are the ports: `80/tcp`. */
  readonly ExposedPorts?: JsonObject;
  /** Its keys are the paths in the container. */
  readonly Volumes?: JsonObject;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly Healthcheck?: JsonObject;
  readonly Shell?: readonly string[];
}

/** An image's configuration document. */
export interface ImageDocument {
  readonly platform: Platform;
  readonly config: ImageConfig;
  /** The digest of each layer, uncompressed; base first. */
  readonly diffIds: readonly string[];
  /** When it was made, as written: RFC 3339. */
  readonly created?: string;
}

const INDEX_TYPES: readonly string[] = [MEDIA_TYPES.index, MEDIA_TYPES.dockerList];
const MANIFEST_TYPES: readonly string[] = [MEDIA_TYPES.manifest, MEDIA_TYPES.dockerManifest];

/** Whether a media type is that of an index (or of Docker's list) or of a manifest; undefined for another one. */
export function kindOf(mediaType: string): 'index' | 'manifest' | undefined {
  if (INDEX_TYPES.includes(mediaType)) return 'index';
  return MANIFEST_TYPES.includes(mediaType) ? 'manifest' : undefined;
}

/** The media type that a document itself says it has. */
export function mediaTypeOf(document: JsonObject): string | undefined {
  return optional(document.mediaType, 'mediaType', asString);
}

/** The layers that can be unpacked, as OCI and as Docker name them. */
const LAYER_TYPE =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.gzip|\.zstd)?)$/;

/** What of a manifest is no image that can be unpacked: a chart, a signature, an encrypted layer. */
export function findForeignType({ config, layers }: ImageManifest): string | undefined {
  if (config.mediaType !== MEDIA_TYPES.config && config.mediaType !== MEDIA_TYPES.dockerConfig) return config.mediaType;
  return layers.find(({ mediaType }) => !LAYER_TYPE.test(mediaType))?.mediaType;
}

/** Reads an index, or Docker's list of manifests. */
export function readIndex(document: JsonObject): ImageIndex {
  checkKind(document, INDEX_TYPES, ['config', 'layers', 'fsLayers']);
  return Object.freeze({ manifests: Object.freeze(asArray(document.manifests, 'manifests', readDescriptor)) });
}

/** Reads the manifest of one image, OCI's or Docker's schema 2. */
export function readManifest(document: JsonObject): ImageManifest {
  checkKind(document, MANIFEST_TYPES, ['manifests', 'fsLayers']);
  return Object.freeze({
    config: readDescriptor(document.config, 'config'),
    layers: Object.freeze(asArray(document.layers, 'layers', readDescriptor)),
  });
}

/** Reads the configuration of one image. */
export function readImageDocument(document: JsonObject): ImageDocument {
  const rootfs = asObject(document.rootfs, 'rootfs');
  return Object.freeze({
    platform: readPlatform(document, 'the document'),
    config: readConfig(optional(document.config, 'config', asObject) ?? {}),
    diffIds: Object.freeze(asArray(rootfs.diff_ids ?? [], 'rootfs.diff_ids', readDigest)),
    ...present({ created: optional(document.created, 'created', asString) }),
  });
}

/** Reads a descriptor: one without a valid digest and size leads nowhere. */
export function readDescriptor(value: unknown, what: string): Descriptor {
  const object = asObject(value, what);
  return Object.freeze({
    mediaType: asString(object.mediaType, `${what}.mediaType`),
    digest: readDigest(object.digest, `${what}.digest`),
    size: asCount(object.size, `${what}.size`),
    ...present({
      platform: optional(object.platform, `${what}.platform`, readPlatform),
      annotations: optional(object.annotations, `${what}.annotations`, asStrings),
    }),
  });
}

/** The platform as Docker prints it: `linux/arm64/v8`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}

/**
 * A document that is both an index and a manifest is read as one thing here and as another thing there, so it is
 * neither (CVE-2021-41190).
 */
function checkKind(document: JsonObject, mediaTypes: readonly string[], foreign: readonly string[]): void {
  if (document.schemaVersion !== 2) {
    throw new DocumentError(`schemaVersion must be 2, got ${JSON.stringify(document.schemaVersion) ?? 'nothing'}`);
  }
  const mediaType = mediaTypeOf(document);
  if (mediaType !== undefined && !mediaTypes.includes(mediaType)) {
    throw new DocumentError(`mediaType must be '${mediaTypes.join("' or '")}', got '${mediaType}'`);
  }
  const found = foreign.find((name) => document[name] !== undefined);
  if (found !== undefined) throw new DocumentError(`there must be no '${found}' in a document of this kind`);
}

function readDigest(value: unknown, what: string): string {
  const digest = asString(value, what);
  if (isDigest(digest)) return digest;
  throw new DocumentError(`${what} must be a sha256 digest, got ${JSON.stringify(digest.slice(0, 100))}`);
}

/** Reads the machine that something is for. */
export function readPlatform(value: unknown, what: string): Platform {
  const object = asObject(value, what);
  const variant = optional(object.variant, `${what}.variant`, asString);
  return Object.freeze({
    os: asString(object.os, `${what}.os`),
    architecture: asString(object.architecture, `${what}.architecture`),
    ...(variant === undefined || variant === '' ? {} : { variant }),
  });
}

/** Reads how an image's containers run: what of it is known here. */
export function readConfig(config: JsonObject): ImageConfig {
  const text = (name: string) => optional(config[name], `config.${name}`, asString);
  const list = (name: string) => optional(config[name], `config.${name}`, readStrings);
  const object = (name: string) => optional(config[name], `config.${name}`, asObject);
  return Object.freeze(
    present({
      Env: list('Env'),
      Entrypoint: list('Entrypoint'),
      Cmd: list('Cmd'),
      WorkingDir: text('WorkingDir'),
      User: text('User'),
      StopSignal: text('StopSignal'),
      ExposedPorts: object('ExposedPorts'),
      Volumes: object('Volumes'),
      Labels: optional(config.Labels, 'config.Labels', asStrings),
      Healthcheck: object('Healthcheck'),
      Shell: list('Shell'),
    }),
  );
}

function readStrings(value: unknown, what: string): readonly string[] {
  return Object.freeze(asArray(value, what, asString));
}

/** Without the members that are undefined. */
function present<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}
