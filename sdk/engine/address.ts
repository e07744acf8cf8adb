/** Addresses of sockets, from what a user writes to what the kernel reads. Pure. */
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  type Memory,
  SOCKADDR_IN,
  SOCKADDR_IN6,
  SOCKADDR_UN,
} from '../../syscalls/index.ts';

/** Where a socket connects to. */
export interface SocketAddress {
  readonly family: typeof AF_INET | typeof AF_INET6 | typeof AF_UNIX;
  readonly bytes: Memory;
  /** As an error names it: `127.0.0.1:80`, `[::1]:80`, a path. */
  readonly name: string;
}

/** The longest path of a socket: its end is a NUL (man 7 unix). */
export const MAX_SOCKET_PATH = 107;

/** The address of a TCP port. @param host an IP address without a zone */
export function tcpAddress(host: string, port: number): SocketAddress {
  const address = addressBytes(host);
  const portBytes = Uint8Array.of(port >> 8, port & 0xff);
  if (address.length === 4) {
    const bytes = SOCKADDR_IN.encode({ sin_family: AF_INET, sin_port: portBytes, sin_addr: address });
    return { family: AF_INET, bytes, name: `${host}:${port}` };
  }
  const bytes = SOCKADDR_IN6.encode({ sin6_family: AF_INET6, sin6_port: portBytes, sin6_addr: address });
  return { family: AF_INET6, bytes, name: `[${host}]:${port}` };
}

/** The address of a unix socket, by its path. */
export function unixAddress(path: string): SocketAddress {
  return { family: AF_UNIX, bytes: SOCKADDR_UN.encode({ sun_family: AF_UNIX, sun_path: path }), name: path };
}

/** The four or sixteen bytes of an IP address, in network byte order. */
export function addressBytes(host: string): Uint8Array {
  if (!host.includes(':')) return Uint8Array.from(host.split('.').map(Number));
  // The URL standard's parser also writes an address the one short way: groups of hexadecimal digits and one '::'.
  const [head = '', tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
