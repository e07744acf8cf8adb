/** Makes the processes of a container stand still: in the kernel's freezer where there is one, by signals where not. */
import { type PauseNote, pauseGroupName } from '../../store/index.ts';
import { freezeInGroups, thawGroups } from './freezer.ts';
import { patienceFor, stoppableOf } from './standstill.ts';
import { continueBySignals, stopBySignals } from './stop-signals.ts';

/** How processes were made to stand still, and what has them go on. */
export type Stillness = Pick<PauseNote, 'groups' | 'stoodStill'>;

/** What is to stand still. */
export interface FreezeRequest {
  readonly id: string;
  /** Its first process. */
  readonly initPid: number;
  /** The groups that its processes are in already, from a freeze before. */
  readonly groups: readonly string[];
  /** Gives it up. */
  readonly signal?: AbortSignal | undefined;
  /** Notes what {@link thaw} needs, before anything is done that it would not undo. */
  note(stillness: Stillness): void;
}

/**
 * Makes all processes of a container stand still. When it resolves, none of them makes system calls; when it fails, all
 * go on.
 *
 * @throws CaissonError NOT_FROZEN when a process does not stop within ten seconds
 */
export async function freeze({ id, initPid, groups, signal, note }: FreezeRequest): Promise<void> {
  const members = stoppableOf(initPid);
  const patience = patienceFor(signal);
  let made = groups;
  const noteGroups = (each: readonly string[]) => {
    made = each;
    note({ groups: made });
  };
  const wanted = { name: pauseGroupName(id), groups, note: noteGroups };
  if (await freezeInGroups(members, wanted, patience)) return;
  note({ groups: made, stoodStill: [] });
  note({ groups: made, stoodStill: await stopBySignals(members, patience) });
}

/**
 * Lets all processes of a container go on that stand still, but for those that did so before.
 * @returns the control groups that they go on in, to be removed when they have ended; none, as a rule
 */
export async function thaw(initPid: number, { groups, stoodStill }: Stillness): Promise<readonly string[]> {
  const left = await thawGroups(groups);
  if (stoodStill !== undefined) continueBySignals(stoppableOf(initPid), stoodStill);
  return left;
}
