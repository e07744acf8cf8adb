/**
 * Connections into a container's network, which need no port of this machine: an agent in the network namespace makes
 * the socket, and sends it here. A socket belongs to the namespace that it was made in, whoever has it.
 */
import { constants } from 'node:os';
import {
  AF_UNIX,
  CaissonError,
  close,
  connect,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SyscallError,
  watch,
} from '../../syscalls/index.ts';
import type { Access, Session } from '../fs/index.ts';
import { type Checks, checkAll, describe, isTarget } from '../spec/checks.ts';
import { MAX_SOCKET_PATH, type SocketAddress, tcpAddress, unixAddress } from './address.ts';

type Socket = import('node:net').Socket;

/** How {@link Container.connect} connects. */
export interface ConnectOptions {
  /** An IP address, as the container's network has it. @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

const { EINPROGRESS } = constants.errno;

const OPTIONS: Checks = {
  host: (value) => {
    const { isIP } = process.getBuiltinModule('node:net');
    return typeof value === 'string' && isIP(value) > 0 && !value.includes('%') ? undefined : 'an IP address';
  },
  signal: (value) => (value instanceof AbortSignal ? undefined : 'an AbortSignal'),
};

/** @throws TypeError for what cannot be connected to */
export function checkConnectOptions(target: unknown, options: unknown): void {
  const isPort = Number.isInteger(target) && (target as number) >= 1 && (target as number) <= 0xffff;
  const isPath = isTarget(target) === undefined && Buffer.byteLength(target as string) <= MAX_SOCKET_PATH;
  if (!isPort && !isPath) {
    const expected = `a port or an absolute path of at most ${MAX_SOCKET_PATH} bytes`;
    throw new TypeError(`the target of a connection must be ${expected}, got ${describe(target)}`);
  }
  checkAll('option', options, OPTIONS);
}

/**
 * Connects to a TCP port or to a unix socket's path in a container.
 *
 * @param access to the files and the network of a container that runs
 * @returns a connected socket, which is the caller's
 * @throws SyscallError ECONNREFUSED, ENETUNREACH, ENOENT …, with `address` and `port` or `path`, as node:net's
 */
export async function connectInto(
  access: Access,
  target: number | string,
  { host = '127.0.0.1', signal }: ConnectOptions = {},
): Promise<Socket> {
  signal?.throwIfAborted();
  const address = typeof target === 'number' ? tcpAddress(host, target) : unixAddress(target);
  try {
    const descriptor = await access.use((session) => openSocket(session, address));
    return await finish(descriptor, address, signal);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const purpose = `connecting to ${address.name} in the container`;
    const failure = new SyscallError({ errno: -error.errno, syscall: error.syscall, purpose });
    throw Object.assign(failure, typeof target === 'number' ? { address: host, port: target } : { path: target });
  }
}

/** A socket of the container; one with a path is connected, by who may and sees the container's files only. */
async function openSocket({ agent, isRunning }: Session, address: SocketAddress): Promise<number> {
  // An agent among the files of one that does not run is in no network but this machine's.
  if (!isRunning)
    throw new CaissonError('NOT_RUNNING', `${address.name} cannot be connected to: the container has ended`);
  const socket = agent.socket(address.family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const connecting =
    address.family === AF_UNIX
      ? agent.call(connect, socket.descriptor, address.bytes.bytes, address.bytes.bytes.length)
      : Promise.resolve(0);
  const taking = agent.take(socket);
  void socket.close();
  const [opened, connected, taken] = await Promise.allSettled([socket.opened, connecting, taking]);
  const failed = [opened, connected, taken].find((each) => each.status === 'rejected');
  if (failed === undefined) return (taken as PromiseFulfilledResult<number>).value;
  if (taken.status === 'fulfilled') close(taken.value);
  throw failed.reason;
}

/** Makes a socket of Node's of a descriptor, once it is connected. */
async function finish(descriptor: number, address: SocketAddress, signal: AbortSignal | undefined): Promise<Socket> {
  try {
    signal?.throwIfAborted();
    if (address.family !== AF_UNIX) await connectTo(descriptor, address, signal);
    const { Socket } = process.getBuiltinModule('node:net');
    return new Socket({ fd: descriptor, readable: true, writable: true });
  } catch (error) {
    close(descriptor);
    throw error;
  }
}

/** Connects a socket that does not block. Once it is writable, the same call again says how it ended. */
function connectTo(
  descriptor: number,
  { bytes: { bytes } }: SocketAddress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const attempt = () => connect.attempt(descriptor, bytes, bytes.length);
  const result = attempt();
  if (result === 0) return Promise.resolve();
  if (result !== -EINPROGRESS) return Promise.reject(new SyscallError({ errno: -result, syscall: 'connect' }));
  return new Promise((resolve, reject) => {
    const settle = (settled: () => void) => {
      handle.close();
      signal?.removeEventListener('abort', abort);
      settled();
    };
    const abort = () => settle(() => reject(signal?.reason));
    const handle = watch(descriptor, { writable: true }, () => {
      const outcome = attempt();
      if (outcome === 0) settle(resolve);
      else settle(() => reject(new SyscallError({ errno: -outcome, syscall: 'connect' })));
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}
