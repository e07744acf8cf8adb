/** What stays in memory beside a container that outlives who started it: its supervisor, conmon, containerd's shim. */
import { readFileSync } from 'node:fs';
import { loadCaisson, useStore } from '../caisson.ts';
import { type Entry, type Pace, race } from '../harness.ts';
import { startContainerd } from '../peers/containerd.ts';
import { dockerEngine, type Engine, importRootfs, podmanEngine } from '../peers/engines.ts';
import { nextId } from '../peers/peer.ts';
import { runNow } from '../processes.ts';
import type { Scenario } from '../result.ts';
import type { Setting } from '../setting.ts';

/** Each has read a line from its container. */
const SCRIPT = 'echo ready; exec sleep 600';

export async function measureSupervisors(setting: Setting, pace: Pace): Promise<Scenario> {
  const rows = await race(
    [
      { name: 'caisson', open: () => openCaisson(setting) },
      engineEntry('podman (conmon)', setting, () => podmanEngine(setting.workspace)),
      ...(setting.rootless
        ? []
        : [containerdEntry(setting), engineEntry('docker (containerd-shim)', setting, dockerEngine)]),
    ],
    pace,
  );
  return { id: 'supervisors', title: 'resident memory of what supervises a detached container', unit: 'KiB', rows };
}

async function openCaisson(setting: Setting) {
  const { Container, Image } = await loadCaisson();
  const image = Image.directory(setting.workspace.rootfs);
  const sample = async () => {
    useStore(setting.workspace, 'disk');
    const { network } = setting;
    const container = await Container.start(image, { detach: true, network, command: ['sh', '-c', SCRIPT] });
    try {
      for await (const _line of container.logs({ follow: true }).lines()) break;
      return residentKiB(parentOf(container.pid ?? 0));
    } finally {
      await container.remove();
    }
  };
  return { sample };
}

function engineEntry(name: string, setting: Setting, open: () => Engine): Entry {
  return {
    name,
    open: async () => {
      const engine = open();
      const { command, run } = engine;
      const image = importRootfs(engine, setting.workspace);
      return {
        sample: async () => {
          const options = ['--detach', ...run, '--network', setting.network];
          const id =
            runNow([...command, 'run', ...options, image, 'sh', '-c', SCRIPT])
              .split('\n')
              .at(-1) ?? '';
          try {
            return residentKiB(parentOf(Number(runNow([...command, 'inspect', '--format', '{{.State.Pid}}', id]))));
          } finally {
            runNow([...command, 'rm', '--force', id]);
          }
        },
        close: () => void runNow([...command, 'rmi', '--force', image]),
      };
    },
  };
}

function containerdEntry({ workspace }: Setting): Entry {
  return {
    name: 'containerd-shim',
    open: async () => {
      const { start, remove, close } = await startContainerd(workspace);
      const sample = async () => {
        const id = nextId();
        const pid = start(id, SCRIPT);
        try {
          return residentKiB(parentOf(pid));
        } finally {
          remove(id);
        }
      };
      return { sample, close };
    },
  };
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Pages that it shares with others are counted as its own. */
function residentKiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
