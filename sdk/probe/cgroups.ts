/** Control groups: which hierarchies there are, and what this process may do in them. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { readSetting } from '../engine/restrictions.ts';
import type { Finding } from './fact.ts';

/** A mounted hierarchy. */
export interface Hierarchy {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** Of version 1, what it is for; a name of its own is `name=…`. */
  readonly controllers: readonly string[];
}

/** The group of this process in a hierarchy. */
export interface OwnGroup extends Hierarchy {
  readonly path: string;
}

/** What is in sight of control groups. */
export interface GroupFacts {
  readonly groups: readonly OwnGroup[];
  /** Whether this process may make groups in its own, by its path. */
  mayMake(path: string): boolean;
  /** The text of a file, '' when there is none. */
  read(path: string): string;
}

/** The controllers that limits are made of. */
const WANTED = ['memory', 'pids', 'cpu'];

const DELEGATE =
  'run in a group of your own: systemd-run --user --scope -p Delegate=yes …, or Delegate=yes in the service (or as root)';

/** The hierarchies in /proc/self/mountinfo (man 5 proc_pid_mountinfo). Pure. */
export function parseHierarchies(mountinfo: string): Hierarchy[] {
  return mountinfo.split('\n').flatMap((line): Hierarchy[] => {
    const [before = '', after = ''] = line.split(' - ');
    const mountPoint = before.split(' ')[4];
    const [type, , options = ''] = after.split(' ');
    if (mountPoint === undefined) return [];
    if (type === 'cgroup2') return [{ version: 2, mountPoint, controllers: [] }];
    if (type !== 'cgroup') return [];
    return [{ version: 1, mountPoint, controllers: options.split(',').filter((each) => !MOUNT_OPTIONS.has(each)) }];
  });
}

const MOUNT_OPTIONS: ReadonlySet<string> = new Set(['rw', 'ro', 'xattr', 'clone_children', 'noprefix']);

/** Where this process is in each, by /proc/self/cgroup (man 7 cgroups). Pure. */
export function ownGroups(hierarchies: readonly Hierarchy[], cgroup: string): OwnGroup[] {
  const lines = cgroup.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line));
  return hierarchies.flatMap((hierarchy) => {
    const line = lines.find((each) => {
      if (hierarchy.version === 2) return each?.[1] === '0' && each[2] === '';
      return each?.[2]?.split(',').some((name) => hierarchy.controllers.includes(name)) ?? false;
    });
    return line?.[3] === undefined
      ? []
      : [{ ...hierarchy, path: join(hierarchy.mountPoint, line[3].replace(/\/$/, '')) }];
  });
}

/** What control groups are good for here. Pure but for `facts`. */
export function judgeGroups({ groups, mayMake, read }: GroupFacts): Finding {
  const second = groups.find(({ version }) => version === 2);
  const first = groups.filter(({ version }) => version === 1);
  const inSecond =
    second === undefined ? [] : read(join(second.path, 'cgroup.controllers')).split(/\s+/).filter(Boolean);
  const kind = second === undefined ? 'v1' : first.length === 0 ? 'v2' : 'hybrid';
  if (groups.length === 0) {
    return {
      status: 'missing',
      summary: 'none are mounted',
      remedy: "'mount -t cgroup2 cgroup2 /sys/fs/cgroup', as root",
    };
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

/** With what containers can be paused in one go. Pure but for `facts`. */
export function judgeFreezer({ groups, mayMake }: Pick<GroupFacts, 'groups' | 'mayMake'>): Finding {
  const old = groups.find(({ controllers }) => controllers.includes('freezer'));
  const second = groups.find(({ version }) => version === 2);
  // cgroup.freeze is there in every group but the topmost, from Linux 5.2 on.
  if (second !== undefined && mayMake(second.path)) {
    return { status: 'ok', summary: `cgroup.freeze, below '${second.path}'` };
  }
  if (old !== undefined && mayMake(old.path))
    return { status: 'ok', summary: `the freezer of v1, below '${old.path}'` };
  return {
    status: 'limited',
    summary: 'none that this process may use: pausing sends SIGSTOP to one process after the other',
    remedy: DELEGATE,
  };
}

/** Control groups as they are in sight of this process. */
export function readGroups(): GroupFacts {
  const hierarchies = parseHierarchies(readSetting('/proc/self/mountinfo'));
  return {
    groups: ownGroups(hierarchies, readSetting('/proc/self/cgroup')),
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
