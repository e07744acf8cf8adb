/** An image of a container that has written 100 MB. */
import { join } from 'node:path';
import { loadCaisson, useStore } from '../caisson.ts';
import { type Entry, type Pace, race } from '../harness.ts';
import { dockerEngine, type Engine, importRootfs, podmanEngine } from '../peers/engines.ts';
import { nextId } from '../peers/peer.ts';
import { type Command, run, runNow } from '../processes.ts';
import type { Scenario } from '../result.ts';
import type { Setting } from '../setting.ts';

const WRITE: Command = ['dd', 'if=/dev/urandom', 'of=/written', 'bs=1000000', 'count=100'];

export async function measureCommit(setting: Setting, pace: Pace): Promise<Scenario> {
  const entries = [
    caissonEntry(setting, 'caisson', (container) => container.snapshot()),
    caissonEntry(setting, 'caisson commit', (container) => container.commit()),
    engineEntry(setting, 'podman', () => podmanEngine(setting.workspace)),
    engineEntry(setting, 'docker', dockerEngine),
  ];
  const rows = await race(entries, pace);
  const notes = ['snapshot: of the column caisson; its commit, like the others’, reads, compresses and digests it all'];
  return { id: 'snapshot', title: 'snapshot or commit of 100 MB written', unit: 'ms', rows, notes };
}

type Stopped = import('caisson').Container;

function caissonEntry(setting: Setting, name: string, work: (container: Stopped) => Promise<unknown>): Entry {
  return {
    name,
    open: async () => {
      const { Container, Image } = await loadCaisson();
      const sample = async () => {
        useStore(setting.workspace, 'disk');
        const image = await importedRootfs(Image, setting);
        await using container = await Container.start(image, { command: WRITE, stderr: 'ignore' });
        await container.wait();
        const begin = performance.now();
        await work(container);
        return performance.now() - begin;
      };
      return { sample };
    },
  };
}

/** A commit needs an image of the store below it, as the others have. */
async function importedRootfs(Image: Awaited<ReturnType<typeof loadCaisson>>['Image'], { workspace }: Setting) {
  const reference = 'bench/rootfs';
  const known = await Image.get(reference).catch(() => undefined);
  if (known !== undefined) return known;
  const archive = join(workspace.disk, 'rootfs.tar');
  runNow(['tar', '-C', workspace.rootfs, '-cf', archive, '.']);
  return Image.import(archive, { reference });
}

function engineEntry({ workspace }: Setting, name: string, open: () => Engine): Entry {
  return {
    name,
    open: async () => {
      const engine = open();
      const { command, run: options } = engine;
      const image = importRootfs(engine, workspace);
      const sample = async () => {
        const [container, committed] = [nextId(), nextId()];
        try {
          runNow([...command, 'run', ...options, '--network', 'none', '--name', container, image, ...WRITE]);
          return (await run([...command, 'commit', container, committed])).elapsedMs;
        } finally {
          runNow([...command, 'rm', '--force', container]);
          runNow([...command, 'rmi', '--force', committed]);
        }
      };
      return { sample, close: () => void runNow([...command, 'rmi', '--force', image]) };
    },
  };
}
