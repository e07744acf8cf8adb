/** podman and docker: engines with an image store, driven through their command line. */
import { findProgram, runNow } from '../processes.ts';
import type { Setting } from '../setting.ts';
import { nextId, type Peer } from './peer.ts';

/** A daemon that does not answer in this time is not there. */
const ANSWER_MS = 2000;

export const podman = engine('podman', ['version', '--format', '{{.Client.Version}}']);
export const docker = engine('docker', ['version', '--format', '{{.Server.Version}}']);

function engine(name: string, question: readonly string[]): Peer {
  const prepareImage = ({ rootless, workspace }: Setting) => {
    const file = findProgram(name);
    if (rootless && name === 'docker') throw new Error("root's daemon does the work, whoever asks");
    runNow([file, ...question], { timeoutMs: ANSWER_MS });
    const image = nextId();
    runNow(['sh', '-c', 'tar -C "$1" -c . | "$2" import - "$3"', 'sh', workspace.rootfs, file, image]);
    return { file, image, remove: () => runNow([file, 'rmi', '--force', image]) };
  };
  return {
    name,
    note: `${name}: its own store and drivers, whatever "upper" says`,
    prepareRun(setting, args) {
      const { file, image, remove } = prepareImage(setting);
      return { next: () => [file, 'run', '--rm', '--network', setting.network, image, ...args], close: remove };
    },
    prepareExec(setting, args) {
      const { file, image, remove } = prepareImage(setting);
      const id = runNow([file, 'run', '--detach', '--network', setting.network, image, 'sleep', '600']);
      return {
        next: () => [file, 'exec', id, ...args],
        close: () => {
          runNow([file, 'rm', '--force', id]);
          remove();
        },
      };
    },
  };
}
