/**
 * The names that were asked for: `names/<name>` is a symbolic link to an id. A link counts when the record of that id
 * bears the name and somebody has the container; what died in between leaves links that do not count, and whoever wants
 * such a name takes it. All is done under one lock, in an order that no kill can make wrong.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { CaissonError, flock, hasCode, LOCK_EX } from '../../syscalls/index.ts';
import { isContainerId, type Store } from '../layout.ts';
import { isAbandoned } from './abandoned.ts';
import { type ContainerRecord, readRecordIfWhole, replaceRecord, SHORT_ID_LENGTH } from './record.ts';
import { whileRecordIsOurs } from './record-lock.ts';
import { readContainerState } from './state-cell.ts';

/** Whether a name was asked for: the beginning of the id needs no link. */
export function isAskedFor(name: string, id: string): boolean {
  return name !== id.slice(0, SHORT_ID_LENGTH);
}

/**
 * Gives a name to the container that `make` makes; when that fails, the name is free again.
 * @throws CaissonError NAME_TAKEN
 */
export function withName<T>(store: Store, name: string, id: string, make: () => T): T {
  return whileNamesAreOurs(store, () => {
    claim(store, name, id);
    try {
      return make();
    } catch (error) {
      release(store, name, id);
      throw error;
    }
  });
}

/**
 * Gives a container another name. Whoever is killed in between leaves it with the one or with the other.
 *
 * @returns its record
 * @throws CaissonError NAME_TAKEN; CONTAINER_NOT_FOUND when it was removed meanwhile
 */
export function renameContainer(store: Store, id: string, name: string): Promise<ContainerRecord> {
  // In this order: who has the names waits for nobody.
  return whileRecordIsOurs(store, id, () => whileNamesAreOurs(store, () => renameNow(store, id, name)));
}

function renameNow(store: Store, id: string, name: string): ContainerRecord {
  const record = readRecordIfWhole(store, id);
  if (record === undefined) throw new CaissonError('CONTAINER_NOT_FOUND', `container '${id}' was removed`);
  if (record.name === name) return record;
  if (isAskedFor(name, id)) claim(store, name, id);
  const renamed = { ...record, name };
  try {
    replaceRecord(store, renamed);
  } catch (error) {
    release(store, name, id);
    throw error;
  }
  release(store, record.name, id);
  return renamed;
}

/** Lets go of the name of a container that is gone. */
export function releaseName(store: Store, name: string, id: string): void {
  if (isAskedFor(name, id)) whileNamesAreOurs(store, () => release(store, name, id));
}

/** The id of the container that has a name; undefined when none has it. */
export function idOfName(store: Store, name: string): string | undefined {
  // What cannot be a name must not become part of a path.
  const id = isContainerId(name) ? targetOf(store, name) : undefined;
  return id !== undefined && isHeld(store, name, id) ? id : undefined;
}

/** Removes the links that do not count. */
export function sweepNames(store: Store): void {
  const names = listNames(store);
  if (names.length === 0) return;
  whileNamesAreOurs(store, () => {
    for (const name of names) {
      const id = targetOf(store, name);
      if (id !== undefined && !isHeld(store, name, id)) release(store, name, id);
    }
  });
}

function claim(store: Store, name: string, id: string): void {
  const left = targetOf(store, name);
  const holder = left !== undefined && isHeld(store, name, left) ? left : idThatBegins(store, name, id);
  if (holder !== undefined) {
    const phase = readContainerState(store, holder)?.phase ?? 'created';
    throw new CaissonError(
      'NAME_TAKEN',
      `the name '${name}' is that of container ${holder}, which is ${WORDS[phase]}`,
      {
        hint: 'take another name, or rename or remove that container',
      },
    );
  }
  if (left !== undefined) release(store, name, left);
  symlinkSync(id, linkPath(store, name));
}

const WORDS = {
  created: 'created',
  running: 'running',
  ending: 'exited',
  exited: 'exited',
  waiting: 'restarting',
} as const;

/** The container whose name this is by its id: who was given none has its first 12 digits, and all know each by more. */
function idThatBegins(store: Store, name: string, except: string): string | undefined {
  if (!/^[0-9a-f]{12,64}$/.test(name)) return undefined;
  const begins = (id: string) => id !== except && id.startsWith(name);
  return readdirSync(store.containers).find((id) => begins(id) && recordOf(store, id) !== undefined);
}

function isHeld(store: Store, name: string, id: string): boolean {
  return recordOf(store, id)?.name === name;
}

/** The record of a container; undefined when nobody has it. */
export function recordOf(store: Store, id: string): ContainerRecord | undefined {
  const record = isContainerId(id) ? readRecordIfWhole(store, id) : undefined;
  return record === undefined || isAbandoned(store, record) ? undefined : record;
}

/** Only what leads to this container: another may have taken the name. */
function release(store: Store, name: string, id: string): void {
  if (targetOf(store, name) === id) unlinkSync(linkPath(store, name));
}

function targetOf(store: Store, name: string): string | undefined {
  try {
    return readlinkSync(linkPath(store, name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function listNames(store: Store): string[] {
  try {
    return readdirSync(store.names);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function linkPath(store: Store, name: string): string {
  return `${store.names}/${name}`;
}

/** It waits, and this thread with it, for who has the lock: some system calls long. */
function whileNamesAreOurs<T>(store: Store, action: () => T): T {
  mkdirSync(store.names, { recursive: true, mode: 0o700 });
  const fd = openSync(`${store.locks}/names.lock`, 'a', 0o600);
  try {
    flock(fd, LOCK_EX);
    return action();
  } finally {
    closeSync(fd);
  }
}
