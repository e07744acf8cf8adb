/** 1 GiB from a container's standard output into this process, chunk by chunk. */
import { once } from 'node:events';
import { join } from 'node:path';
import { loadCaisson, useStore } from '../caisson.ts';
import { type Entry, type Pace, race } from '../harness.ts';
import { openReadLimit } from '../limit.ts';
import { PEERS } from '../peers/index.ts';
import { type Command, rate, throughput } from '../processes.ts';
import type { Scenario } from '../result.ts';
import type { Setting } from '../setting.ts';

const BLOCKS = 16_384;
const BYTES = BLOCKS * 65_536;
const WRITE: Command = ['dd', 'if=/dev/zero', 'bs=64k', `count=${BLOCKS}`];

export async function measureStdout(setting: Setting, pace: Pace): Promise<Scenario> {
  const [, ...args] = WRITE;
  const peers = PEERS.map((peer): Entry => {
    const open = async () => {
      const prepared = peer.prepareRun(setting, WRITE);
      return { sample: () => throughput(prepared.next(), BYTES), close: () => prepared.close?.() };
    };
    return { name: peer.name, open };
  });
  const bare: Entry = {
    name: 'child_process',
    open: async () => ({ sample: () => throughput([join(setting.workspace.rootfs, 'bin/dd'), ...args], BYTES) }),
  };
  const limit: Entry = {
    name: 'limit',
    open: async () => {
      const reader = openReadLimit(setting, [join(setting.workspace.rootfs, 'bin/dd'), ...args]);
      return { ...reader, sample: async () => rate(BYTES, BYTES, await reader.sample()) };
    },
  };
  const rows = await race([caissonEntry(setting), limit, bare, ...peers], pace);
  const note =
    'stdout: the limit reads a pipe in C; child_process reads a socket, which cannot be opened as /dev/stdout';
  return { id: 'stdout', title: '1 GiB through stdout, the start included', unit: 'MiB/s', rows, notes: [note] };
}

function caissonEntry(setting: Setting): Entry {
  return {
    name: 'caisson',
    open: async () => {
      const { Container, Image } = await loadCaisson();
      const image = Image.directory(setting.workspace.rootfs);
      const sample = async () => {
        useStore(setting.workspace, 'disk');
        const begin = performance.now();
        await using container = await Container.start(image, {
          command: WRITE,
          network: setting.network,
          upper: setting.upper,
          stdin: 'ignore',
          stderr: 'ignore',
        });
        let bytes = 0;
        const { stdout } = container;
        if (stdout === null) throw new Error('no stdout');
        stdout.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        await Promise.all([once(stdout, 'end'), container.wait()]);
        return rate(bytes, BYTES, performance.now() - begin);
      };
      return { sample };
    },
  };
}
