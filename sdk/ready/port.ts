/** Which TCP ports are listened on, seen from outside: no connection is made that a server would notice. */
import { readdirSync, readlinkSync } from 'node:fs';
import { hasCode } from '../../syscalls/index.ts';
import { addressBytes } from '../engine/address.ts';
import { isInNamespace } from '../engine/pid-namespace.ts';
import { readProc } from '../engine/processes.ts';

/** A socket that waits for connections. */
export interface Listener {
  /** Four or sixteen bytes, in network byte order. */
  readonly address: Uint8Array;
  readonly port: number;
  /** The number of the socket: what `/proc/PID/fd` calls it. */
  readonly inode: string;
}

/** TCP_LISTEN of include/net/tcp_states.h, as /proc writes it. */
const LISTEN = '0A';

/** The listening sockets in the text of /proc/PID/net/tcp or tcp6 (man 5 proc_pid_net). Pure. */
export function parseListeners(text: string): Listener[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    if (state !== LISTEN) return [];
    const [address = '', port = ''] = local.split(':');
    return [{ address: swapWords(Buffer.from(address, 'hex')), port: Number.parseInt(port, 16), inode }];
  });
}

/** Whether a listener takes connections to an address; to any when none is given. Pure. */
export function accepts({ address }: Listener, host: string | undefined): boolean {
  if (host === undefined || address.every((byte) => byte === 0)) {
    // The wildcard of IPv6 takes IPv4's too, unless told otherwise; that of IPv4 does not take IPv6's.
    return host === undefined || address.length === 16 || !host.includes(':');
  }
  const wanted = addressBytes(host);
  return Buffer.compare(wanted.length === address.length ? wanted : mapped(wanted), address) === 0;
}

/**
 * Whether something listens on a port in the network of a process.
 *
 * @param pid the container's first process
 * @param isOwn whether the network is the container's alone; in one that others are in, a listener counts only when a
 * process of the container has it
 * @returns what was seen, in words: undefined when it listens
 */
export function lacksListener(
  pid: number,
  { port, host }: { readonly port: number; readonly host?: string | undefined },
  isOwn: boolean,
): string | undefined {
  const all = ['tcp', 'tcp6'].flatMap((name) => parseListeners(readProc(`/proc/${pid}/net/${name}`) ?? ''));
  const found = all.filter((each) => each.port === port);
  if (found.some((each) => accepts(each, host) && (isOwn || isOfContainer(pid, each.inode)))) return undefined;
  if (found.length > 0)
    return isOwn ? 'something listens, but on another address' : 'what listens is not of this container';
  const others = [...new Set(all.map((each) => each.port))].sort((a, b) => a - b);
  return others.length === 0 ? 'no port is listened on' : `listened on are ${others.join(', ')}`;
}

function isOfContainer(initPid: number, inode: string): boolean {
  const namespace = linkIfThere(`/proc/${initPid}/ns/pid`);
  if (namespace === undefined) return true;
  return readdirSync('/proc').some((name) => {
    const pid = Number(name);
    if (Number.isNaN(pid) || !isInNamespace(pid, namespace)) return false;
    return descriptorsOf(pid).some((descriptor) => linkIfThere(descriptor) === `socket:[${inode}]`);
  });
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((descriptor) => `/proc/${pid}/fd/${descriptor}`);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return [];
    throw error;
  }
}

function linkIfThere(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}

/** EINVAL: the process has ended, and its network with it. ENOENT: a kernel without IPv6. */
/** The kernel prints an address as words of 32 bits of this machine: the least byte first, on both architectures. */
function swapWords(bytes: Buffer): Uint8Array {
  return Uint8Array.from(bytes.swap32());
}

/** An IPv4 address as IPv6 has it: `::ffff:127.0.0.1`. */
function mapped(address: Uint8Array): Uint8Array {
  return Uint8Array.from([...Array(10).fill(0), 0xff, 0xff, ...address]);
}
