/** Images from a registry on this machine onto its disk: how long it takes, and how much memory. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadCaisson } from '../caisson.ts';
import { type Entry, type Pace, race, reasonOf } from '../harness.ts';
import { type Published, publishDebian } from '../images/debian.ts';
import { dockerEngine } from '../peers/engines.ts';
import { compiledProgram, PACKAGE_ROOT } from '../places.ts';
import { type Command, findProgram, run, runNow } from '../processes.ts';
import type { Row, Scenario } from '../result.ts';
import type { Setting, Workspace } from '../setting.ts';

/** Writing everything to the disk takes no longer, also to a slow one. */
const PATIENCE_MS = 120_000;

export async function measurePull({ workspace }: Setting, pace: Pace): Promise<Scenario[]> {
  let published: Published;
  try {
    published = await publishDebian(workspace);
  } catch (error) {
    const rows: Row[] = [{ kind: 'skipped', name: 'caisson', reason: reasonOf(error) }];
    return [{ id: 'pull', title: 'pull and unpack Debian', unit: 'ms', rows }];
  }
  try {
    const { base, layer } = published;
    const rows = await race(
      [
        pullEntry(workspace, base),
        commandEntry('tar -xzf', workspace, (directory) => [
          findProgram('tar'),
          '--numeric-owner',
          '-xzf',
          layer,
          '-C',
          directory,
        ]),
        commandEntry('skopeo copy', workspace, (directory) => [
          findProgram('skopeo'),
          'copy',
          '--src-tls-verify=false',
          `docker://${base}`,
          `oci:${directory}/layout:debian`,
        ]),
        commandEntry('podman', workspace, (directory) => [
          findProgram('podman'),
          ...['--root', `${directory}/root`, '--runroot', `${directory}/run`, '--storage-driver', 'overlay'],
          ...['pull', '--tls-verify=false', base],
        ]),
        dockerEntry(base),
      ],
      pace,
    );
    const notes = [
      'pull: from a registry on loopback; caisson has the blobs on the disk when it is done and its layers a moment later, tar and skopeo have nothing there, and skopeo unpacks nothing',
    ];
    return [
      { id: 'pull', title: 'pull and unpack Debian', unit: 'ms', rows, notes },
      await measureShared(workspace, published, pace),
      await measureMemory(workspace, base),
    ];
  } finally {
    published.registry.close();
  }
}

/** Into a store of its own each time, which is removed after the clock has stopped. */
function pullEntry(workspace: Workspace, reference: string): Entry {
  return {
    name: 'caisson',
    open: async () => {
      const { Image } = await loadCaisson();
      const sample = (store: string) => {
        process.env.CAISSON_ROOT = store;
        return timed(async () => void (await Image.pull(reference)));
      };
      return { sample: () => withFreshDirectory(workspace, sample) };
    },
  };
}

function commandEntry(name: string, workspace: Workspace, command: (directory: string) => Command): Entry {
  return {
    name,
    open: async () => {
      command(workspace.disk);
      const sample = async (directory: string) => (await run(command(directory))).elapsedMs;
      return { sample: () => withFreshDirectory(workspace, sample) };
    },
  };
}

function dockerEntry(reference: string): Entry {
  return {
    name: 'docker',
    open: async () => {
      const [docker] = dockerEngine().command;
      const sample = async () => {
        const { elapsedMs } = await run([docker, 'pull', reference]);
        runNow([docker, 'rmi', reference]);
        return elapsedMs;
      };
      return { sample };
    },
  };
}

/** The second of two images that have the big layer in common. */
async function measureShared(workspace: Workspace, { base, derived }: Published, pace: Pace): Promise<Scenario> {
  const { Image } = await loadCaisson();
  const store = join(workspace.disk, 'shared');
  process.env.CAISSON_ROOT = store;
  await Image.pull(base);
  let received = 0;
  const sample = async () => {
    process.env.CAISSON_ROOT = store;
    received = 0;
    const elapsedMs = await timed(async () => {
      for await (const event of Image.pull(derived)) {
        if (event.kind === 'receiving' && event.bytes === event.total) received += event.bytes;
      }
    });
    await (await Image.get(derived)).remove();
    return elapsedMs;
  };
  const rows = await race([{ name: 'caisson', open: async () => ({ sample }) }], pace);
  return {
    id: 'pull/shared',
    title: 'pull a second image, one small layer more',
    unit: 'ms',
    rows,
    notes: [`pull/shared: ${received} bytes of layers were transferred`],
  };
}

/** In a process of its own, whose memory nothing else has stirred. */
async function measureMemory(workspace: Workspace, reference: string): Promise<Scenario> {
  const samples: number[] = [];
  for (let round = 0; round < 3; round++) {
    const sample = async (store: string) => {
      const env = { ...process.env, CAISSON_ROOT: store };
      const { stdout } = await run([process.execPath, compiledProgram('pull-child'), reference], {
        cwd: PACKAGE_ROOT,
        env,
      });
      return Number(stdout);
    };
    samples.push(await withFreshDirectory(workspace, sample));
  }
  const rows: Row[] = [{ kind: 'measured', name: 'caisson', samples }];
  return { id: 'pull/memory', title: 'peak resident memory that pulling Debian adds', unit: 'KiB', rows };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

let count = 0;

/**
 * What earlier contenders have written is on the disk before the clock starts; it is removed with the workspace, since
 * ext4 looks for a while at every inode that was freed before it gives one away, which takes longer than all the rest.
 */
function withFreshDirectory(workspace: Workspace, sample: (directory: string) => Promise<number>): Promise<number> {
  count++;
  const directory = join(workspace.disk, `pull-${count}`);
  mkdirSync(directory, { mode: 0o700 });
  runNow(['sync', '-f', directory], { timeoutMs: PATIENCE_MS });
  return sample(directory);
}
