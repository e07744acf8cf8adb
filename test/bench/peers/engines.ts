/** podman and docker: engines with an image store, driven through their command line. */
import { join } from 'node:path';
import { type Command, findProgram, runNow } from '../processes.ts';
import type { Setting, Workspace } from '../setting.ts';
import { nextId, type Peer } from './peer.ts';

/** A daemon that does not answer in this time is not there. */
const ANSWER_MS = 2000;

/** What an engine is called with. */
export interface Engine {
  /** The program, and what comes before every command of it. */
  readonly command: Command;
  /** What `run` needs besides. */
  readonly run: readonly string[];
}

/** Podman, with a store in the workspace, and without what a machine of no privileges refuses it: its own limits and cgroups. */
export function podmanEngine({ disk }: Workspace): Engine {
  const directory = join(disk, 'podman');
  const places = ['--root', join(directory, 'root'), '--runroot', join(directory, 'run')];
  return {
    command: [findProgram('podman'), ...places, '--storage-driver', 'overlay'],
    run: ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--cgroups=disabled'],
  };
}

/** Docker, with its daemon. @throws when none answers */
export function dockerEngine(): Engine {
  const docker = findProgram('docker');
  runNow([docker, 'version', '--format', '{{.Server.Version}}'], { timeoutMs: ANSWER_MS });
  return { command: [docker], run: [] };
}

/** Makes an image of the workspace's root file system; returns its name. */
export function importRootfs({ command }: Engine, { rootfs }: Workspace): string {
  const image = nextId();
  const script = 'root=$1 image=$2; shift 2; tar -C "$root" -c . | "$@" import - "$image"';
  runNow(['sh', '-c', script, 'sh', rootfs, image, ...command]);
  return image;
}

export const podman = peer('podman', ({ workspace }) => podmanEngine(workspace));
export const docker = peer('docker', ({ rootless }) => {
  if (rootless) throw new Error("root's daemon does the work, whoever asks");
  return dockerEngine();
});

function peer(name: string, open: (setting: Setting) => Engine): Peer {
  return {
    name,
    note: `${name}: its own store and drivers, whatever "upper" says`,
    prepareRun(setting, args) {
      const engine = open(setting);
      const image = importRootfs(engine, setting.workspace);
      const { command, run } = engine;
      return {
        next: () => [...command, 'run', '--rm', ...run, '--network', setting.network, image, ...args],
        close: () => void runNow([...command, 'rmi', '--force', image]),
      };
    },
    prepareExec(setting, args) {
      const engine = open(setting);
      const image = importRootfs(engine, setting.workspace);
      const { command, run } = engine;
      const options = ['--detach', ...run, '--network', setting.network];
      const id =
        runNow([...command, 'run', ...options, image, 'sleep', '600'])
          .split('\n')
          .at(-1) ?? '';
      return {
        next: () => [...command, 'exec', id, ...args],
        close: () => {
          runNow([...command, 'rm', '--force', id]);
          runNow([...command, 'rmi', '--force', image]);
        },
      };
    },
  };
}
