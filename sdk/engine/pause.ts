/**
 * Pauses containers, or has them stand still for a moment. That they do is noted on disk (store/containers/pause-note.ts),
 * so that any process can let them go on.
 */
import {
  addPauseNote,
  forgetPause,
  isOwnerAlive,
  ownerOf,
  type PauseNote,
  readContainerState,
  readPauseNote,
  replacePauseNote,
  type Store,
} from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import { freeze, type Stillness, thaw } from './freeze.ts';

/** Whether a container is paused, while it runs. A run that its supervisor has begun since is not. */
export function isPaused(store: Store, id: string): boolean {
  return phaseOf(store, id, readPauseNote(store, id)) === 'paused';
}

/** What a note says of the present run of a container. What was to last a moment and outlived its owner is a pause. */
function phaseOf(store: Store, id: string, note: PauseNote | undefined): 'going' | 'moment' | 'paused' {
  if (note === undefined || note.isOver === true) return 'going';
  if (note.run !== undefined && note.run !== runOf(store, id)) return 'going';
  return note.owner !== undefined && isOwnerAlive(store, note.owner) ? 'moment' : 'paused';
}

/** Which run a container is in: when it began. */
function runOf(store: Store, id: string): number {
  return Number(readContainerState(store, id)?.startedAt ?? 0);
}

/**
 * Makes all processes of a container stand still until {@link resumeContainer}, be it called by another process.
 * @throws CaissonError NOT_FROZEN; then all go on
 * @throws CaissonError PAUSED when somebody else has done so just now
 */
export async function pauseContainer(store: Store, id: string, initPid: number): Promise<void> {
  if (await holdStill(store, id, initPid)) return;
  throw new CaissonError('PAUSED', `container '${id}' cannot be paused: it is paused`, { hint: 'resume it first' });
}

/**
 * Does something while all processes of a container stand still; if they do already, they do so afterwards, too.
 * @throws CaissonError NOT_FROZEN
 */
export async function whileStill<T>(
  store: Store,
  id: string,
  { initPid, signal }: { readonly initPid: number; readonly signal: AbortSignal },
  action: () => Promise<T>,
): Promise<T> {
  const isOurs = await holdStill(store, id, initPid, { owner: ownerOf(store), signal });
  try {
    return await action();
  } finally {
    if (isOurs) await resumeContainer(store, id, initPid);
  }
}

/** Lets the processes of a container go on, but for those that stood still before. */
export async function resumeContainer(store: Store, id: string, initPid: number): Promise<void> {
  const note = readPauseNote(store, id);
  // It has ended meanwhile.
  if (note === undefined) return;
  const groups = await thaw(initPid, note);
  if (groups.length === 0) await forgetPause(store, id);
  else replacePauseNote(store, id, { ...note, groups, isOver: true });
}

/** For whom it stands still for a moment. */
interface Moment {
  readonly owner?: string;
  readonly signal?: AbortSignal;
}

/** @returns false when it is paused already, and so stands still */
async function holdStill(store: Store, id: string, initPid: number, { owner, signal }: Moment = {}): Promise<boolean> {
  const claimed = { run: runOf(store, id), ...(owner === undefined ? {} : { owner }) };
  const groups = await claim(store, id, { ...claimed, groups: [] }, signal);
  if (groups === undefined) return false;
  try {
    const note = (stillness: Stillness) => replacePauseNote(store, id, { ...claimed, ...stillness });
    await freeze({ id, initPid, groups, signal, note });
    return true;
  } catch (error) {
    await forgetPause(store, id);
    throw error;
  }
}

/**
 * Writes the note, as soon as nobody else has the container stand still for a moment.
 * @returns the groups that its processes are in from a pause before; undefined when it is paused
 */
async function claim(
  store: Store,
  id: string,
  note: PauseNote,
  signal?: AbortSignal,
): Promise<readonly string[] | undefined> {
  while (!addPauseNote(store, id, note)) {
    const present = readPauseNote(store, id);
    if (present?.isOver === true && present.run === note.run) {
      replacePauseNote(store, id, { ...note, groups: present.groups });
      return present.groups;
    }
    const phase = phaseOf(store, id, present);
    if (phase === 'paused') return undefined;
    signal?.throwIfAborted();
    if (phase === 'moment') await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    else await forgetPause(store, id);
  }
  return [];
}

/** How often it is looked whether a moment is over: nothing tells. */
const LOOK_MS = 5;
