/** Control groups: which hierarchies there are, and what this process may do in them. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { findGroups, type Group, parseHierarchies } from '../engine/control-groups.ts';
import { readSetting } from '../engine/restrictions.ts';
import type { Finding } from './fact.ts';

/** What is in sight of control groups. */
export interface GroupFacts {
  /** Those of this process. */
  readonly groups: readonly Group[];
  /** Whether this process may make groups in its own, by its path. */
  mayMake(path: string): boolean;
  /** The text of a file, '' when there is none. */
  read(path: string): string;
}

/** The controllers that limits are made of. */
const WANTED = ['memory', 'pids', 'cpu'];

const MOUNT = "'mount -t cgroup2 cgroup2 /sys/fs/cgroup', as root (beside version 1: /sys/fs/cgroup/unified)";

const DELEGATE =
  'run in a group of your own: systemd-run --user --scope -p Delegate=yes …, or Delegate=yes in the service (or as root)';

/** What control groups are good for here. Pure but for `facts`. */
export function judgeGroups({ groups, mayMake, read }: GroupFacts): Finding {
  const second = groups.find(({ version }) => version === 2);
  const first = groups.filter(({ version }) => version === 1);
  const inSecond =
    second === undefined ? [] : read(join(second.path, 'cgroup.controllers')).split(/\s+/).filter(Boolean);
  const kind = second === undefined ? 'v1' : first.length === 0 ? 'v2' : 'hybrid';
  if (groups.length === 0) {
    return { status: 'missing', summary: 'none are mounted', remedy: MOUNT };
  }
  const has = (name: string) => {
    if (second !== undefined && inSecond.includes(name)) return mayMake(second.path);
    return first.some(({ controllers, path }) => controllers.includes(name) && mayMake(path));
  };
  const usable = WANTED.filter(has);
  const summary = `${kind}, this process may limit ${usable.length === 0 ? 'nothing' : usable.join(', ')}`;
  const detail = [...groups]
    .map(({ version, path, controllers }) => `v${version} ${controllers.join() || path}`)
    .join(', ');
  if (usable.length === WANTED.length) return { status: 'ok', summary, detail };
  return { status: usable.length === 0 ? 'missing' : 'limited', summary, detail, remedy: DELEGATE };
}

/** With what containers are paused (engine/freezer.ts). Pure but for `facts`. */
export function judgeFreezer({ groups, mayMake }: Pick<GroupFacts, 'groups' | 'mayMake'>): Finding {
  const group = groups.find(({ version }) => version === 2);
  // cgroup.freeze is there in every group but the topmost, from Linux 5.2 on.
  if (group !== undefined && mayMake(group.path)) {
    return { status: 'ok', summary: `pausing uses the kernel's freezer, cgroup.freeze below '${group.path}'` };
  }
  return {
    status: 'limited',
    summary: 'none that this process may use: pausing sends SIGSTOP to one process after the other',
    remedy: group === undefined ? MOUNT : DELEGATE,
  };
}

/** Control groups as they are in sight of this process. */
export function readGroups(): GroupFacts {
  const hierarchies = parseHierarchies(readSetting('/proc/self/mountinfo'));
  return {
    groups: findGroups(hierarchies, readSetting('/proc/self/cgroup')),
    mayMake(path) {
      try {
        accessSync(path, constants.W_OK);
        // A process joins a group by being written to this.
        accessSync(join(path, 'cgroup.procs'), constants.W_OK);
        return true;
      } catch {
        return false;
      }
    },
    read: readSetting,
  };
}
