/** What a plan needs to know of this process: read once, at the edge. */
import { readFileSync } from 'node:fs';
import { findIds, type IdMappings, isMachineRoot, ownIds, singleMappings } from '../../store/places.ts';
import {
  _LINUX_CAPABILITY_VERSION_3,
  CAPABILITIES,
  capget,
  USER_CAP_DATA,
  USER_CAP_HEADER,
} from '../../syscalls/index.ts';

/** Facts about this process that decide how a container can be made. */
export interface ProcessFacts {
  /** Whether mounts and namespaces can be made without a user namespace: the machine's root with CAP_SYS_ADMIN. */
  readonly privileged: boolean;
  /** What is mapped in the user namespaces of this process's containers: nothing where they have none. */
  readonly mappings: IdMappings;
  /** Who maps them, where that is root. */
  readonly mappedBy?: 'root' | undefined;
  /** Why that is one id only, where it is. */
  readonly whySingle?: string | undefined;
  /** The highest capability this kernel has (/proc/sys/kernel/cap_last_cap). */
  readonly lastCapability: number;
}

let facts: Pick<ProcessFacts, 'privileged' | 'lastCapability'> | undefined;

/**
 * The facts about this process.
 * @param effect whether the user namespace of subordinate ids is made now, which may turn out to be impossible
 */
export function processFacts(effect: 'prepare' | 'describe'): ProcessFacts {
  facts ??= readFacts();
  if (facts.privileged) return { ...facts, mappings: { uid: [], gid: [] } };
  const ids = effect === 'prepare' ? ownIds() : findIds();
  if (ids.kind === 'all') return { ...facts, mappings: singleMappings(), whySingle: 'root lacks CAP_SYS_ADMIN here' };
  return { ...facts, mappings: ids.mappings, whySingle: ids.kind === 'single' ? ids.reason : undefined };
}

function readFacts(): Pick<ProcessFacts, 'privileged' | 'lastCapability'> {
  const lastCapability = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  return { privileged: isMachineRoot() && hasCapability(CAPABILITIES.CAP_SYS_ADMIN), lastCapability };
}

/** Whether this thread has one of the first 32 capabilities in effect. */
function hasCapability(capability: number): boolean {
  const data = new Uint8Array(2 * USER_CAP_DATA.size);
  capget(USER_CAP_HEADER.encode({ version: _LINUX_CAPABILITY_VERSION_3, pid: 0 }), data);
  return ((USER_CAP_DATA.decode(data).effective >>> capability) & 1) === 1;
}
