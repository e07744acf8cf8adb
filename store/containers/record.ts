/**
 * What is written down of a container when it is made: all that another process needs to list it, to enter it and to
 * start it again. It changes by a rename (of the file), so whoever reads it reads it whole.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { asArray, asObject, asString, asStrings, DocumentError, type JsonObject, optional } from '../json.ts';
import { containerPaths, type Store } from '../layout.ts';
import { temporaryPath } from '../owner.ts';

/** Where an image is found again. */
export type RecordedOrigin =
  | { readonly kind: 'host' }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'stored'; readonly digest: string }
  | { readonly kind: 'snapshot'; readonly id: string };

/** An image, and what it was called. */
export interface RecordedImage {
  readonly name: string;
  readonly origin: RecordedOrigin;
}

/** What a container uses of the store for as long as it is there: nobody prunes it. */
export interface ContainerUses {
  /** The digest of its image, whose content stays with it: the container may become an image itself. */
  readonly image?: string | undefined;
  /** Names in the store: `layers/…`, `snapshots/…/layer`. Given as paths; directories elsewhere are nobody's business here. */
  readonly layers?: readonly string[] | undefined;
  /** Layers of images that are mounted into it, as `layers`. */
  readonly mounted?: readonly string[] | undefined;
  /** Names of volumes. */
  readonly volumes?: readonly string[] | undefined;
}

/** What is known of a container when it is made. */
export interface ContainerDescription {
  readonly name: string;
  readonly image: RecordedImage;
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What it was asked for, as JSON: the store does not read it. */
  readonly options: JsonObject;
  /** Whether it is to outlive who made it. */
  readonly detached: boolean;
}

/** A container's record. */
export interface ContainerRecord extends ContainerDescription {
  readonly id: string;
  /**
   * With whom it dies; of a detached one, with whom it dies as long as it was never started. None of a detached one that
   * was made to be started later, by whomever.
   */
  readonly owner?: string | undefined;
  readonly uses: {
    readonly image?: string | undefined;
    readonly layers: readonly string[];
    readonly mounted: readonly string[];
    readonly volumes: readonly string[];
  };
}

const VERSION = 1;

/** The size of a record: shorter ones are padded, and the directory of one that is longer is not kept for others. */
export const RECORD_BYTES = 4096;

/** How many digits of an id are a name, of a container that was given none. */
export const SHORT_ID_LENGTH = 12;

/** A description with what is left out. */
export function describeContainer(id: string, given: Partial<ContainerDescription>): ContainerDescription {
  return {
    name: given.name ?? id.slice(0, SHORT_ID_LENGTH),
    image: given.image ?? { name: 'host', origin: { kind: 'host' } },
    createdAt: given.createdAt ?? new Date().toISOString(),
    labels: given.labels ?? {},
    options: given.options ?? {},
    detached: given.detached ?? false,
  };
}

/** A record as text. */
export function formatRecord(record: ContainerRecord): string {
  return JSON.stringify({ version: VERSION, ...record }).padEnd(RECORD_BYTES);
}

/**
 * Reads what is written down of a container; undefined where there is none of that id.
 * @throws CaissonError RECORD_INVALID when it is not a record, RECORD_TOO_NEW when a later caisson wrote it
 */
export function readContainerRecord(store: Store, id: string): ContainerRecord | undefined {
  const path = containerPaths(store, id).record;
  try {
    return parseRecord(readFileSync(path, 'utf8'), path, id);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** {@link readContainerRecord} for whom a record that is not whole is none: it was cut short with the power. */
export function readRecordIfWhole(store: Store, id: string): ContainerRecord | undefined {
  try {
    return readContainerRecord(store, id);
  } catch (error) {
    if (hasCode(error, 'RECORD_INVALID', 'RECORD_TOO_NEW')) return undefined;
    throw error;
  }
}

/** Replaces what is written down of a container. */
export function replaceRecord(store: Store, record: ContainerRecord): void {
  const temporary = temporaryPath(store);
  writeFileSync(temporary, formatRecord(record), { mode: 0o600, flag: 'wx' });
  renameSync(temporary, containerPaths(store, record.id).record);
}

function parseRecord(text: string, path: string, id: string): ContainerRecord {
  try {
    const record = asObject(JSON.parse(text), 'the record');
    if (typeof record.version === 'number' && record.version > VERSION) {
      throw new CaissonError(
        'RECORD_TOO_NEW',
        `'${path}' is of version ${record.version}, and ${VERSION} is known here`,
        {
          hint: 'a later version of caisson made this container: use that',
        },
      );
    }
    if (record.version !== VERSION) throw new DocumentError(`its version is ${JSON.stringify(record.version)}`);
    if (record.id !== id) throw new DocumentError(`it is that of ${JSON.stringify(record.id)}`);
    return readRecord(record, id);
  } catch (cause) {
    if (!(cause instanceof DocumentError || cause instanceof SyntaxError)) throw cause;
    throw new CaissonError('RECORD_INVALID', `'${path}' is not the record of a container: ${cause.message}`, { cause });
  }
}

function readRecord(record: JsonObject, id: string): ContainerRecord {
  const image = asObject(record.image, 'image');
  const uses = asObject(record.uses, 'uses');
  const owner = optional(record.owner, 'owner', asString);
  const digest = optional(uses.image, 'uses.image', asString);
  return {
    id,
    name: asString(record.name, 'name'),
    image: { name: asString(image.name, 'image.name'), origin: readOrigin(asObject(image.origin, 'image.origin')) },
    createdAt: asTime(record.createdAt),
    labels: asStrings(record.labels, 'labels'),
    options: asObject(record.options, 'options'),
    detached: record.detached === true,
    ...(owner === undefined ? {} : { owner }),
    uses: {
      ...(digest === undefined ? {} : { image: digest }),
      layers: optional(uses.layers, 'uses.layers', names) ?? [],
      mounted: optional(uses.mounted, 'uses.mounted', names) ?? [],
      volumes: optional(uses.volumes, 'uses.volumes', names) ?? [],
    },
  };
}

function readOrigin(origin: JsonObject): RecordedOrigin {
  const text = (name: string) => asString(origin[name], `image.origin.${name}`);
  switch (origin.kind) {
    case 'host':
      return { kind: 'host' };
    case 'directory':
      return { kind: 'directory', path: text('path') };
    case 'stored':
      return { kind: 'stored', digest: text('digest') };
    case 'snapshot':
      return { kind: 'snapshot', id: text('id') };
    default:
      throw new DocumentError(`image.origin.kind is ${JSON.stringify(origin.kind)}`);
  }
}

function asTime(value: unknown): string {
  const text = asString(value, 'createdAt');
  if (Number.isNaN(Date.parse(text))) throw new DocumentError(`createdAt is no time: ${JSON.stringify(text)}`);
  return text;
}

const names = (value: unknown, what: string): string[] => asArray(value, what, asString);
