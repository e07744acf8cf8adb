/** Those that caisson is measured against, ready for a race. */
import { join } from 'node:path';
import type { Entry } from './harness.ts';
import { openContainerLimit } from './limit.ts';
import { PEERS, type Prepared } from './peers/index.ts';
import { type Command, run } from './processes.ts';
import type { Setting } from './setting.ts';

/** A program whose command is run to its end, from this process as from any Node program. */
export function commandEntry(name: string, prepare: () => Prepared): Entry {
  return {
    name,
    open: async () => {
      const prepared = prepare();
      return { sample: async () => (await run(prepared.next())).elapsedMs, close: () => prepared.close?.() };
    },
  };
}

/** The same program without a container: what Node's own child process costs. */
export function childProcessEntry({ workspace }: Setting): Entry {
  return commandEntry('child_process', () => ({ next: () => [join(workspace.rootfs, 'bin/true')] }));
}

/** The limit, starting containers. */
export function limitEntry(setting: Setting): Entry {
  return { name: 'limit', open: async () => openContainerLimit(setting) };
}

/** All peers, running `args` in new containers. */
export function peerEntries(setting: Setting, args: Command): Entry[] {
  return PEERS.map((peer) => commandEntry(peer.name, () => peer.prepareRun(setting, args)));
}

/** What is to be known about the peers' figures. */
export const PEER_NOTES: readonly string[] = PEERS.map((peer) => peer.note);
