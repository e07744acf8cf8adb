/**
 * Makes processes stand still in the freezer of control groups of version 2, which they do not notice: each is moved into
 * a child of the group that it is in, and back. That needs no controller, so it works beside version 1, too.
 *
 *     a/            the container's processes, and perhaps its owner     cgroup.procs ◀── back
 *     a/caisson-ID  cgroup.freeze 1                                      cgroup.procs ◀── who is to stand still
 *
 * Never the freezer of version 1: what is frozen there does not die of SIGKILL before it is thawed, and would be left
 * behind when its owner is killed. (kernel, Documentation/admin-guide/cgroup-v2.rst, cgroup.freeze; Linux 5.2)
 */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { removeGroup } from '../../store/index.ts';
import { hasCode } from '../../syscalls/index.ts';
import { findGroups, type Hierarchy, parseHierarchies } from './control-groups.ts';
import { isFrozen, makeFrozen, mover, processesIn, setFrozen } from './group-files.ts';
import { readProc, readStat } from './processes.ts';
import { readSetting } from './restrictions.ts';
import { type Patience, type Stoppable, stopEach, untilStill } from './standstill.ts';

/** The groups that processes are to be frozen in. */
export interface FreezerGroups {
  /** What they are called, wherever they are. */
  readonly name: string;
  /** Those that the processes are in already. */
  readonly groups: readonly string[];
  /** Notes all groups, before there is one more. */
  note(groups: readonly string[]): void;
}

/**
 * Freezes processes. When it resolves, none of them makes system calls; when it fails, all go on.
 *
 * @returns whether they are frozen: not where there is no freezer for this process to use, or not for all of them
 * @throws CaissonError NOT_FROZEN
 */
export async function freezeInGroups(members: Stoppable, wanted: FreezerGroups, patience: Patience): Promise<boolean> {
  const groups = [...wanted.groups];
  try {
    for (const group of groups) setFrozen(group, true);
    if (await gather(members, { ...wanted, groups }, patience)) {
      await untilStill(() => groups.filter((group) => !isFrozen(group)).flatMap(processesIn), patience);
      return true;
    }
  } catch (error) {
    if (!isRefusal(error)) {
      await thawGroups(groups);
      throw error;
    }
  }
  wanted.note(await thawGroups(groups));
  return false;
}

/**
 * Has the processes in such groups go on, and then leave them for the groups above; removes them.
 * @returns the groups that could not be left, in which they go on
 */
export async function thawGroups(groups: readonly string[]): Promise<readonly string[]> {
  for (const group of groups) setFrozen(group, false);
  const left: string[] = [];
  for (const group of groups) {
    try {
      await empty(group);
      await removeGroup(group);
    } catch (error) {
      // Somebody may since have given the group above controllers for its children: it may have no processes any more.
      if (!isRefusal(error)) throw error;
      left.push(group);
    }
  }
  return left;
}

/** Moves all processes up. They go on and make others, but not as fast; those that stay are dying. */
async function empty(group: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  const move = mover();
  for (let pids = processesIn(group); pids.length > 0 && Date.now() < deadline; pids = processesIn(group)) {
    for (const pid of pids) await move(pid, dirname(group));
  }
}

/** How long a process may take to die. */
const PATIENCE_MS = 2_000;

/** Moves processes into groups, until all are in one; false when some are where we do not see groups. */
async function gather(
  members: Stoppable,
  { name, groups, note }: FreezerGroups & { readonly groups: string[] },
  patience: Patience,
): Promise<boolean> {
  const hierarchy = unifiedHierarchy();
  if (hierarchy === undefined) return false;
  const known = new Set<number>();
  const groupFor = (home: string) => {
    // What another container has frozen that has these processes as well stands still, and goes on with that.
    if (groups.includes(home) || isFrozen(home)) return undefined;
    const group = join(home, name);
    if (!groups.includes(group)) {
      note([...groups, group]);
      groups.push(group);
      makeFrozen(group);
    }
    return group;
  };
  const move = mover();
  let isSeen = true;
  await stopEach(members, known, patience, async (pid) => {
    known.add(pid);
    const cgroup = hasEnded(pid) ? undefined : readProc(`/proc/${pid}/cgroup`);
    if (cgroup === undefined) return;
    const home = findGroups([hierarchy], cgroup)[0]?.path;
    isSeen &&= home !== undefined;
    const group = home === undefined ? undefined : groupFor(home);
    if (group !== undefined) await move(pid, group);
  });
  return isSeen;
}

function unifiedHierarchy(): Hierarchy | undefined {
  return parseHierarchies(readSetting('/proc/self/mountinfo')).find(({ version }) => version === 2);
}

/** Whether no thread of a process is left, though it may not be reaped yet; the first one may end before the others. */
function hasEnded(pid: number): boolean {
  if (readStat(pid)?.state !== 'Z') return false;
  try {
    return readdirSync(`/proc/${pid}/task`).length === 1;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return true;
    throw error;
  }
}

/** Whether it says that groups cannot be made here, or that a process cannot be moved: then there are signals. */
function isRefusal(error: unknown): boolean {
  return hasCode(error, ...REFUSALS);
}

/** EAGAIN: too many groups. EBUSY, EOPNOTSUPP: not with what is set for the group above, or with what it is threaded in. */
const REFUSALS = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENODEV', 'EAGAIN', 'EBUSY', 'EINVAL', 'EOPNOTSUPP', 'ENOTSUP'];
