/** crun and runc, the runtimes under podman and docker, called as those call them. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, findProgram, runNow } from '../processes.ts';
import type { Setting } from '../setting.ts';
import { createBundle } from './oci-bundle.ts';
import { nextId, type Peer, type Prepared } from './peer.ts';

const SHARED_NOTE = 'the overlay is mounted beforehand, once (rootless: none)';

/** Debian's crun refuses a machine with both cgroup versions, which main.ts hides from everyone. */
export const crun = runtime('crun', ['--cgroup-manager=disabled'], `crun: no cgroup, no seccomp; ${SHARED_NOTE}`);

/** runc makes a cgroup unless it is told that it may not be able to; the bench's view of them is read-only. */
export const runc = runtime('runc', ['--rootless', 'true'], `runc: no cgroup, no seccomp; ${SHARED_NOTE}`);

function runtime(name: string, globalOptions: readonly string[], note: string): Peer {
  const prefix = (setting: Setting): Command => {
    const state = mkdtempSync(join(setting.workspace.tmpfs, `${name}-`));
    return [findProgram(name), '--root', state, ...globalOptions];
  };
  return {
    name,
    note,
    prepareRun(setting, args) {
      const command = prefix(setting);
      const bundle = createBundle(setting, args);
      return { next: () => [...command, 'run', '--bundle', bundle.directory, nextId()], close: bundle.close };
    },
    prepareExec(setting, args): Prepared {
      const command = prefix(setting);
      const bundle = createBundle(setting, ['sleep', '600']);
      const id = nextId();
      try {
        startDetached([...command, 'run', '--detach', '--bundle', bundle.directory, id]);
      } catch (error) {
        bundle.close();
        throw error;
      }
      return {
        next: () => [...command, 'exec', id, ...args],
        close: () => {
          runNow([...command, 'delete', '--force', id]);
          bundle.close();
        },
      };
    },
  };
}

/** The container inherits standard streams, so pipes to them would stay open until its end. */
function startDetached(command: Command): void {
  runNow(['sh', '-c', 'exec "$@" </dev/null >/dev/null 2>/dev/null', 'sh', ...command]);
}
