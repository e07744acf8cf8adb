/** Control groups that other programs leave. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The directories of a control group at the top of each hierarchy that has it, version 1 or 2. */
export function cgroupDirectories(name: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const hierarchies = mounts.map((line) => line.split(' ')).filter(([, , type]) => /^cgroup2?$/.test(type ?? ''));
  return hierarchies.map(([, target = '']) => join(target, name)).filter((directory) => existsSync(directory));
}
