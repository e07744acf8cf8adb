/** What a plan needs to know of this process: read once, at the edge. */
import { readFileSync } from 'node:fs';
import {
  _LINUX_CAPABILITY_VERSION_3,
  CAPABILITIES,
  capget,
  USER_CAP_DATA,
  USER_CAP_HEADER,
} from '../../syscalls/index.ts';

/** Facts about this process that decide how a container can be made. */
export interface ProcessFacts {
  readonly uid: number;
  readonly gid: number;
  /** Whether mounts and namespaces can be made without a user namespace: the machine's root with CAP_SYS_ADMIN. */
  readonly privileged: boolean;
  /** The highest capability this kernel has (/proc/sys/kernel/cap_last_cap). */
  readonly lastCapability: number;
}

let facts: ProcessFacts | undefined;

/** The facts about this process. */
export function processFacts(): ProcessFacts {
  facts ??= readFacts();
  return facts;
}

function readFacts(): ProcessFacts {
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  const lastCapability = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  const privileged = uid === 0 && hasCapability(CAPABILITIES.CAP_SYS_ADMIN) && !isInUserNamespace();
  return { uid, gid, privileged, lastCapability };
}

/** Root in a user namespace may make neither devices nor everybody's files. Only the first one maps all ids to themselves. */
function isInUserNamespace(): boolean {
  const fields = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/);
  return fields.join(' ') !== '0 0 4294967295';
}

/** Whether this thread has one of the first 32 capabilities in effect. */
function hasCapability(capability: number): boolean {
  const data = new Uint8Array(2 * USER_CAP_DATA.size);
  capget(USER_CAP_HEADER.encode({ version: _LINUX_CAPABILITY_VERSION_3, pid: 0 }), data);
  return ((USER_CAP_DATA.decode(data).effective >>> capability) & 1) === 1;
}
