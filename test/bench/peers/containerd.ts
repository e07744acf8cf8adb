/** containerd, with a daemon and directories of the bench's own: for what it leaves beside a container. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadCaisson, useStore } from '../caisson.ts';
import { type Command, findProgram, runNow, track } from '../processes.ts';
import type { Workspace } from '../setting.ts';
import { nextId } from './peer.ts';

/** A daemon that answers, with one image: the workspace's root file system. */
export interface Containerd {
  /** Starts a container that runs `script`, and gives the id of its first process. */
  start(id: string, script: string): number;
  remove(id: string): void;
  close(): Promise<void>;
}

/** A daemon that does not answer after this time will not. */
const ANSWER_MS = 10_000;

/** Starts containerd. @throws when it, its client or its shim is not installed, or it does not start */
export async function startContainerd(workspace: Workspace): Promise<Containerd> {
  const program = findProgram('containerd');
  findProgram('containerd-shim-runc-v2');
  const directory = join(workspace.disk, nextId());
  mkdirSync(directory);
  const address = join(directory, 'socket');
  writeFileSync(join(directory, 'config.toml'), configuration(directory, address));
  const daemon = track(spawn('nsenter', [...OUTSIDE, program, '--config', join(directory, 'config.toml')], QUIET));
  const ctr: Command = [findProgram('ctr'), '--address', address];
  const stop = async () => {
    if (daemon.exitCode === null && daemon.kill('SIGTERM')) await once(daemon, 'close');
  };
  try {
    await untilItAnswers(ctr);
    const image = await importRootfs(ctr, workspace, directory);
    return { ...containersOf(ctr, image), close: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Its runtime wants to make control groups. The bench's own mounts do not allow that; a copy of the mounts that it was
 * started among does.
 */
const OUTSIDE = [`--mount=/proc/${process.ppid}/ns/mnt`, 'unshare', '--mount'];
const QUIET = { stdio: 'ignore' } as const;

function containersOf(ctr: Command, image: string): Omit<Containerd, 'close'> {
  return {
    start(id, script) {
      const options = ['--detach', '--snapshotter', SNAPSHOTTER, '--cgroup', `/${id}`, '--null-io'];
      runNow([...ctr, 'run', ...options, image, id, 'sh', '-c', script]);
      const line = runNow([...ctr, 'task', 'ls'])
        .split('\n')
        .find((each) => each.startsWith(id));
      return Number(line?.split(/\s+/)[1]);
    },
    remove(id) {
      runNow([...ctr, 'task', 'delete', '--force', id]);
      runNow([...ctr, 'container', 'delete', id]);
    },
  };
}

/** Works on every file system. */
const SNAPSHOTTER = 'native';

function configuration(directory: string, address: string): string {
  return `version = 2
root = ${JSON.stringify(join(directory, 'root'))}
state = ${JSON.stringify(join(directory, 'state'))}
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = ${JSON.stringify(address)}
`;
}

async function untilItAnswers(ctr: Command): Promise<void> {
  for (const begin = performance.now(); ; await pause(50)) {
    try {
      runNow([...ctr, 'version']);
      return;
    } catch (error) {
      if (performance.now() - begin > ANSWER_MS) throw error;
    }
  }
}

async function importRootfs(ctr: Command, workspace: Workspace, directory: string): Promise<string> {
  const { Image } = await loadCaisson();
  useStore(workspace, 'disk');
  const [rootfs, archive] = [join(directory, 'rootfs.tar'), join(directory, 'image.tar')];
  runNow(['tar', '-C', workspace.rootfs, '-cf', rootfs, '.']);
  const image = await Image.import(rootfs, { reference: nextId() });
  try {
    await image.save(archive);
  } finally {
    await image.remove();
  }
  runNow([...ctr, 'images', 'import', '--snapshotter', SNAPSHOTTER, archive]);
  return image.name;
}
