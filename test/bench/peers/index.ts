/** Everyone that caisson is compared with, besides the limit and child_process. */
import { bubblewrap } from './bubblewrap.ts';
import { docker, podman } from './engines.ts';
import { crun, runc } from './oci.ts';
import type { Peer } from './peer.ts';
import { unshare } from './util-linux.ts';

export type { Peer, Prepared } from './peer.ts';
export { nsenterCommand } from './util-linux.ts';

export const PEERS: readonly Peer[] = [bubblewrap, unshare, crun, runc, podman, docker];
