/**
 * Root's bench runs in a mount namespace of its own: the overlays that it prepares for runtimes are seen by nobody else
 * and end with it, whatever ends it. In there only cgroup2 is mounted, read-only: Debian's crun refuses a machine that has
 * both versions, and no contender makes a cgroup. All contenders run in it, so they have the same mounts to copy.
 */
import { reasonOf } from './harness.ts';
import { type Command, hasProgram, runNow } from './processes.ts';

const INSIDE = 'CAISSON_BENCH_INSIDE';

/** Whether mounts that this process makes are seen by nobody else. */
export function hasPrivateMounts(): boolean {
  return process.env[INSIDE] !== undefined;
}

/** The same command in a mount namespace of its own, for root. Where that cannot be made, the command as it is. */
export function withPrivateMounts(command: Command): { file: string; args: string[]; env: NodeJS.ProcessEnv } {
  const [file, ...args] = command;
  if (process.getuid?.() !== 0 || !hasProgram('unshare') || !hasProgram('setpriv'))
    return { file, args, env: process.env };
  // SIGTERM and not SIGKILL: it cleans up when its parent is gone.
  const before = ['--mount', '--propagation', 'private', 'setpriv', '--pdeathsig', 'TERM'];
  return { file: 'unshare', args: [...before, ...command], env: { ...process.env, [INSIDE]: '1' } };
}

/** Changes what /sys/fs/cgroup shows, in this mount namespace only. Where that fails, crun and runc may fail too, and say so. */
export function mountCgroup2Only(): void {
  try {
    runNow(['umount', '--recursive', '--lazy', '/sys/fs/cgroup']);
    runNow(['mount', '-t', 'cgroup2', 'cgroup2', '/sys/fs/cgroup']);
    runNow(['mount', '-o', 'remount,bind,ro', '/sys/fs/cgroup']);
  } catch (error) {
    console.error(`cgroups are left as they are: ${reasonOf(error)}`);
  }
}
