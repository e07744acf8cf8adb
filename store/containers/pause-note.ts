/**
 * The note that a container was made to stand still, which any process can have it go on by. It is there before the
 * first process stands still and before any control group is made, and goes after both.
 */
import { existsSync, readFileSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { hasCode } from '../../syscalls/index.ts';
import { containerPaths, type Store } from '../layout.ts';
import { temporaryPath } from '../owner.ts';

/** A process that stood still before, by its id and its start: the id alone may be another's later. */
export interface StoodStill {
  readonly pid: number;
  readonly startTicks: number;
}

/** What is noted of a container that stands still. */
export interface PauseNote {
  /** Which run stands still: when it began. Undefined where who wrote it died before it was whole. */
  readonly run?: number;
  /** For whom it does so for a moment only; undefined when it is paused. */
  readonly owner?: string;
  /** The control groups that its processes are frozen in, as paths. */
  readonly groups: readonly string[];
  /** Those that stood still before, when signals stopped the others; undefined when none did. */
  readonly stoodStill?: readonly StoodStill[];
  /** Whether it goes on, in groups that it cannot leave before its end. */
  readonly isOver?: boolean;
}

/** What the names of control groups begin with that containers are frozen in. */
const GROUP_PREFIX = 'caisson-';

/** The name of the control groups that a container is frozen in. */
export function pauseGroupName(id: string): string {
  return `${GROUP_PREFIX}${id}`;
}

/** Writes the note, unless there is one; false when there is. */
export function addPauseNote(store: Store, id: string, note: PauseNote): boolean {
  try {
    writeFileSync(containerPaths(store, id).paused, JSON.stringify(note), { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Writes another note in place of the one that is there, at no moment of which there is none. */
export function replacePauseNote(store: Store, id: string, note: PauseNote): void {
  const temporary = temporaryPath(store);
  writeFileSync(temporary, JSON.stringify(note), { mode: 0o600, flag: 'wx' });
  try {
    renameSync(temporary, containerPaths(store, id).paused);
  } catch (error) {
    unlinkSync(temporary);
    // The container was removed meanwhile.
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/** Reads the note; undefined when there is none. */
export function readPauseNote(store: Store, id: string): PauseNote | undefined {
  return readNote(containerPaths(store, id).paused);
}

function readNote(path: string): PauseNote | undefined {
  // Of nearly all containers there is none, and an error costs more than this look.
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PauseNote;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (error instanceof SyntaxError) return { groups: [], stoodStill: [] };
    throw error;
  }
}

/** Removes the note, and before it the control groups that it names: the container has ended, or goes on. */
export async function forgetPause(store: Store, id: string): Promise<void> {
  const { paused } = containerPaths(store, id);
  const note = readNote(paused);
  if (note === undefined) return;
  for (const group of note.groups) await removeGroup(group);
  try {
    unlinkSync(paused);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/** How long a group is waited for whose processes are about to end. */
const PATIENCE_MS = 2_000;

/** Removes a control group of a container's that nobody is in any more, or just about so. That there is none is no error. */
export async function removeGroup(path: string): Promise<void> {
  if (!basename(path).startsWith(GROUP_PREFIX)) return;
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return;
      // EBUSY: a process that was killed is on its way out.
      if (!hasCode(error, 'EBUSY') || Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
