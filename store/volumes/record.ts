/** What is written down of a volume, and where it lies. */
import { readdirSync, readFileSync } from 'node:fs';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { asObject, asString, asStrings, DocumentError } from '../json.ts';
import type { Store } from '../layout.ts';

/** A volume's record. */
export interface VolumeRecord {
  readonly name: string;
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether a container has had it: it is filled from an image before the first has, and never after. */
  readonly isUsed: boolean;
}

/** The directories of a volume. */
export interface VolumePaths {
  readonly path: string;
  readonly record: string;
  /** What is mounted. */
  readonly data: string;
  /** What becomes `data` when it is whole: a copy of what an image has. */
  readonly filling: string;
}

const VERSION = 1;

/**
 * Where a volume lies.
 * @throws TypeError when the name is none: it would be a way out of the store
 */
export function volumePaths(store: Store, name: string): VolumePaths {
  if (!isVolumeName(name)) throw new TypeError(`a volume's name must be ${NAME_RULE}, got ${JSON.stringify(name)}`);
  return volumePathsIn(`${store.volumes}/${name}`);
}

const NAME_RULE = 'at most 128 letters, digits, _ . - and a letter or digit first';

/** The directories of a volume that lies at `path`, under its name or under none yet. */
export function volumePathsIn(path: string): VolumePaths {
  return { path, record: `${path}/record.json`, data: `${path}/data`, filling: `${path}/filling` };
}

function isVolumeName(name: string): boolean {
  return typeof name === 'string' && /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(name);
}

/** A record as text. */
export function formatVolumeRecord(record: VolumeRecord): string {
  return JSON.stringify({ version: VERSION, ...record });
}

/**
 * Reads the record of a volume; undefined where there is none of that name.
 * @throws CaissonError RECORD_INVALID when it is not a record, RECORD_TOO_NEW when a later caisson wrote it
 */
export function readVolumeRecord(store: Store, name: string): VolumeRecord | undefined {
  const { record: path } = volumePaths(store, name);
  try {
    return parseVolumeRecord(readFileSync(path, 'utf8'), name, path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** The names of all volumes, in their order. */
export function listVolumeNames(store: Store): string[] {
  return readdirSync(store.volumes).filter(isVolumeName).sort();
}

/**
 * The error for a volume that is not there.
 * @param store where it is not
 */
export function volumeNotFound(store: Store, name: string): CaissonError {
  const names = listVolumeNames(store);
  const known = names.length === 0 ? 'there are none' : `there are ${names.slice(0, 20).join(', ')}`;
  return new CaissonError(
    'VOLUME_NOT_FOUND',
    `no volume of the store at '${store.root}' is called '${name}': ${known}`,
  );
}

function parseVolumeRecord(text: string, name: string, path: string): VolumeRecord {
  try {
    const { version, createdAt, labels, isUsed } = asObject(JSON.parse(text), 'the record');
    if (typeof version === 'number' && version > VERSION) {
      const message = `'${path}' is of version ${version}, and ${VERSION} is known here`;
      throw new CaissonError('RECORD_TOO_NEW', message, { hint: 'a later version of caisson made it: use that' });
    }
    return {
      name,
      createdAt: asString(createdAt, 'createdAt'),
      labels: asStrings(labels, 'labels'),
      isUsed: isUsed === true,
    };
  } catch (cause) {
    if (!(cause instanceof DocumentError || cause instanceof SyntaxError)) throw cause;
    throw new CaissonError('RECORD_INVALID', `'${path}' is not the record of a volume: ${cause.message}`, { cause });
  }
}
