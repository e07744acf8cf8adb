/** Control groups: which hierarchies are mounted, and where processes are in them (man 7 cgroups). Pure. */
import { join } from 'node:path';
import { parseMountInfo } from './mount-info.ts';

/** A mounted hierarchy. */
export interface Hierarchy {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** The group that is seen at the mount point: `/`, but for some containers around us. */
  readonly root: string;
  /** Of version 1, what it is for; a name of its own is `name=…`. */
  readonly controllers: readonly string[];
}

/** The group of a process in a hierarchy. */
export interface Group extends Hierarchy {
  readonly path: string;
}

/** The hierarchies in /proc/self/mountinfo. */
export function parseHierarchies(mountinfo: string): Hierarchy[] {
  return parseMountInfo(mountinfo).flatMap(({ type, point, root, options }): Hierarchy[] => {
    if (type === 'cgroup2') return [{ version: 2, mountPoint: point, root, controllers: [] }];
    if (type !== 'cgroup') return [];
    return [{ version: 1, mountPoint: point, root, controllers: options.filter((each) => !MOUNT_OPTIONS.has(each)) }];
  });
}

const MOUNT_OPTIONS: ReadonlySet<string> = new Set(['rw', 'ro', 'xattr', 'clone_children', 'noprefix']);

/** Where a process is in each of them, by its /proc/PID/cgroup; those it is out of sight in are left out. */
export function findGroups(hierarchies: readonly Hierarchy[], cgroup: string): Group[] {
  const lines = cgroup.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line));
  return hierarchies.flatMap((hierarchy) => {
    const line = lines.find((each) => {
      if (hierarchy.version === 2) return each?.[1] === '0' && each[2] === '';
      return each?.[2]?.split(',').some((name) => hierarchy.controllers.includes(name)) ?? false;
    });
    const path = line?.[3] === undefined ? undefined : pathBelow(hierarchy, line[3]);
    return path === undefined ? [] : [{ ...hierarchy, path }];
  });
}

/** A group outside of what is mounted begins with `/..` where there is a namespace, and with another root where not. */
function pathBelow({ mountPoint, root }: Hierarchy, group: string): string | undefined {
  const above = root === '/' ? '' : root;
  const isInSight = group === root || group.startsWith(`${above}/`);
  if (!isInSight || group.split('/').includes('..')) return undefined;
  return join(mountPoint, group.slice(above.length).replace(/\/$/, ''));
}
