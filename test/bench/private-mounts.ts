/**
 * Root's bench runs in a mount namespace of its own: the overlays that it prepares for runtimes are seen by nobody else
 * and end with it, whatever ends it. In there only cgroup2 is mounted, read-only: Debian's crun refuses a machine that has
 * both versions, and no contender makes a cgroup. All contenders run in it, so they have the same mounts to copy.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { reasonOf } from './harness.ts';
import { hasProgram, runNow } from './processes.ts';

const INSIDE = 'CAISSON_BENCH_INSIDE';

/** Whether this process still has to move, and can. */
export function needsPrivateMounts(): boolean {
  return process.getuid?.() === 0 && !hasPrivateMounts() && hasProgram('unshare') && hasProgram('setpriv');
}

/** Whether mounts that this process makes are seen by nobody else. */
export function hasPrivateMounts(): boolean {
  return process.env[INSIDE] !== undefined;
}

/** Runs this program again in a mount namespace of its own, and gives its exit code. */
export async function runInPrivateMounts(): Promise<number> {
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  // SIGTERM and not SIGKILL: it cleans up when this process is gone.
  const command = ['--mount', '--propagation', 'private', 'setpriv', '--pdeathsig', 'TERM', ...program];
  const child = spawn('unshare', command, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
  // A terminal's Ctrl-C reaches the child by itself.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + constants.signals[signal ?? 'SIGKILL'];
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
