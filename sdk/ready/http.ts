/** Whether a server in a container answers a request. */
import type { Socket } from 'node:net';
import type { HttpReady } from './readiness.ts';

/** How a connection is made: into the container's network. */
export type Connect = (
  port: number,
  options: { readonly host: string; readonly signal: AbortSignal },
) => Promise<Socket>;

/** What a server listens on when it is told 'localhost', which may be either. */
const LOOPBACKS = ['127.0.0.1', '::1'] as const;

/** How long one request may take: a server that is starting may have taken the connection and forget it. */
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Makes one request.
 * @returns what was seen, in words: undefined when it is the answer that was asked for
 */
export async function lacksAnswer(
  { port, host, path = '/', status, headers, method = 'GET', tls = false }: HttpReady,
  connect: Connect,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
  const socket = await connectToOne(host === undefined ? LOOPBACKS : [host], (each) => {
    return connect(port, { host: each, signal: limited });
  });
  try {
    const answered = await request(tls ? secure(socket) : socket, { path, headers, method, signal: limited });
    return isWanted(answered, status) ? undefined : `it answers ${answered}`;
  } finally {
    socket.destroy();
  }
}

/** @throws what the first one was refused with, when all of them are */
async function connectToOne(hosts: readonly string[], connect: (host: string) => Promise<Socket>): Promise<Socket> {
  const failures: unknown[] = [];
  for (const host of hosts) {
    try {
      return await connect(host);
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

function isWanted(answered: number, status: HttpReady['status']): boolean {
  if (status === undefined) return answered >= 200 && answered < 400;
  return typeof status === 'number' ? answered === status : status.includes(answered);
}

/** Nobody has certificates for a name that only the container knows. */
function secure(socket: Socket): Socket {
  return process.getBuiltinModule('node:tls').connect({ socket, rejectUnauthorized: false });
}

interface RequestOptions {
  readonly path: string;
  readonly method: string;
  readonly headers: HttpReady['headers'];
  readonly signal: AbortSignal;
}

/** The status of the answer; its body is not waited for. */
function request(socket: Socket, { headers = {}, ...options }: RequestOptions): Promise<number> {
  const http = process.getBuiltinModule('node:http');
  return new Promise((resolve, reject) => {
    // An error after the answer has come is of no concern, but somebody must hear it.
    socket.on('error', reject);
    const asking = http.request({
      host: 'localhost',
      // With any `agent`, `false` too, Node makes a connection of its own: in this machine's network.
      createConnection: () => socket,
      headers: { ...headers, connection: 'close' },
      ...options,
    });
    asking.on('response', (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    asking.on('error', reject);
    asking.end();
  });
}
