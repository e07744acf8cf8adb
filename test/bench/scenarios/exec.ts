/** `true` in a container that is already running. */
import { loadCaisson, useStore } from '../caisson.ts';
import { childProcessEntry, commandEntry } from '../contenders.ts';
import { type Entry, type Pace, race } from '../harness.ts';
import { openExecLimit } from '../limit.ts';
import { nsenterCommand, PEERS } from '../peers/index.ts';
import type { Scenario } from '../result.ts';
import type { Setting } from '../setting.ts';

/** The limit and nsenter enter caisson's own container; engines each enter one of theirs. */
export async function measureExec(setting: Setting, pace: Pace): Promise<Scenario> {
  const container = await startContainer(setting).catch((error: unknown) => error as Error);
  const pid = () => {
    if (container instanceof Error) throw container;
    if (container.pid === null) throw new Error('the container has ended');
    return container.pid;
  };
  const caisson: Entry = {
    name: 'caisson',
    open: async () => {
      if (container instanceof Error) throw container;
      const sample = async () => {
        const begin = performance.now();
        const { exitCode } = await container.exec(['true']);
        const elapsedMs = performance.now() - begin;
        if (exitCode !== 0) throw new Error(`ended with ${exitCode}`);
        return elapsedMs;
      };
      return { sample };
    },
  };
  const engines = PEERS.flatMap(({ name, prepareExec }) =>
    prepareExec ? [commandEntry(`${name} exec`, () => prepareExec(setting, ['true']))] : [],
  );
  try {
    const rows = await race(
      [
        caisson,
        { name: 'limit', open: async () => openExecLimit(setting, pid()) },
        childProcessEntry(setting),
        commandEntry('nsenter', () => ({ next: () => nsenterCommand(pid(), setting.rootless, ['true']) })),
        ...engines,
      ],
      pace,
    );
    const who = setting.rootless ? 'rootless' : 'root';
    return { id: `exec/${who}`, title: `exec \`true\` in a running container, ${who}`, unit: 'ms', rows };
  } finally {
    if (!(container instanceof Error)) await container[Symbol.asyncDispose]();
  }
}

async function startContainer(setting: Setting) {
  const { Container, Image } = await loadCaisson();
  useStore(setting.workspace, 'disk');
  return Container.start(Image.directory(setting.workspace.rootfs), {
    command: ['sleep', '600'],
    network: setting.network,
    upper: setting.upper,
  });
}
