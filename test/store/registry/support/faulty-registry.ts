/**
 * A registry that is honest as long as nobody says otherwise: a test gets every request first, and answers it as badly
 * as it likes. Real HTTP over real sockets.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'vitest';
import { digestOf } from '../../../../store/digest.ts';
import type { Files } from '../../support/image.ts';

/** What a test does with a request; `honest` answers as a registry should. */
export type Answer = (request: Asked, response: ServerResponse, honest: () => void) => void;

/** A request as tests look at it. */
export interface Asked {
  readonly method: string;
  /** Without the query: `/v2/me/app/manifests/latest`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** What came with it; read only on demand. */
  body(): Promise<Buffer>;
}

/** A registry that runs. */
export interface FaultyRegistry {
  readonly host: string;
  /** All that was asked so far. */
  readonly asked: readonly Asked[];
}

/** What is in it, and how it behaves. */
export interface FaultyRegistryOptions {
  /** Its blobs, as an image layout has them. */
  readonly files?: Files;
  /** Digests of manifests by tag. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly answer?: Answer;
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Starts a registry on loopback; it ends with the test. */
export async function startFaultyRegistry(
  context: TestContext,
  { files = new Map(), tags = {}, answer = (_, __, honest) => honest(), tls }: FaultyRegistryOptions,
): Promise<FaultyRegistry> {
  const asked: Asked[] = [];
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const each = describe(request);
    // The question whether it speaks TLS is none of a test's.
    if (each.path === '/v2/') return void response.end();
    asked.push(each);
    answer(each, response, () => beHonest(each, response, files, tags));
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Answers with a blob as storage servers do, with the range that was asked for. */
export function sendBytes(
  request: Asked,
  response: ServerResponse,
  bytes: Buffer,
  headers: Record<string, string> = {},
) {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const start = Number(range ?? 0);
  const part = bytes.subarray(start);
  const total = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    'content-length': part.length,
    ...(range === undefined ? {} : total),
  });
  response.end(request.method === 'HEAD' ? undefined : part);
}

function beHonest(
  request: Asked,
  response: ServerResponse,
  files: Files,
  tags: Readonly<Record<string, string>>,
): void {
  const [, kind, name = ''] = /\/(manifests|blobs)\/([^/]+)$/.exec(request.path) ?? [];
  const bytes = files.get(`blobs/${(tags[name] ?? name).replace(':', '/')}`);
  if (kind === undefined || bytes === undefined) return void response.writeHead(404).end();
  if (kind === 'blobs') return void sendBytes(request, response, bytes);
  const { mediaType } = JSON.parse(bytes.toString()) as { mediaType: string };
  sendBytes(request, response, bytes, { 'content-type': mediaType, 'docker-content-digest': digestOf(bytes) });
}

function describe(request: IncomingMessage): Asked {
  const url = new URL(request.url ?? '/', 'http://registry');
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    async body() {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
  };
}
