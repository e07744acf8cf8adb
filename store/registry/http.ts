/** One request, one answer, over undici: no redirects, no retries, no credentials of its own. */
import type { Readable } from 'node:stream';
import { isLoopback } from './endpoints.ts';
import { explainNetworkError } from './network-error.ts';
import type { Settings } from './options.ts';

/** What is asked of a server. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Opened for each attempt; a stream needs a Content-Length beside it. */
  readonly body?: (() => Readable | Uint8Array | string) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What it answers. The body must be read or thrown away. */
export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable & { dump(): Promise<void> };
  /** Where it came from, in the end. */
  readonly url: URL;
}

/** Sends requests over connections that it keeps. */
export interface HttpClient {
  /** @throws CaissonError REGISTRY_UNREACHABLE, CERTIFICATE_INVALID, CONNECTION_LOST, REGISTRY_TIMEOUT */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Ends all that is going on. */
  close(): Promise<void>;
}

/** Nothing that is not a blob is longer: manifests may have this many bytes, by the specification. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

/** Opens a client. Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`), never for loopback. */
export async function openHttp({ ca, insecure, timeoutMs }: Settings): Promise<HttpClient> {
  const { Agent, EnvHttpProxyAgent } = await import('undici');
  const { rootCertificates } = await import('node:tls');
  const connect = {
    timeout: Math.min(timeoutMs, 10_000),
    rejectUnauthorized: !insecure,
    ...(ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] }),
  };
  const options = { connect, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, connections: 8 };
  const direct = new Agent(options);
  const proxied = new EnvHttpProxyAgent({ ...options, requestTls: connect, proxyTls: connect });
  return {
    async send({ method, url, headers = {}, body, signal }) {
      const agent = isLoopback(url.host) ? direct : proxied;
      try {
        const response = await agent.request({
          origin: url.origin,
          path: url.pathname + url.search,
          method,
          headers: { 'user-agent': 'caisson', ...headers },
          body: body?.() ?? null,
          signal: signal ?? null,
        });
        return { status: response.statusCode, headers: response.headers, body: response.body, url };
      } catch (error) {
        throw explainNetworkError(error, describeRequest(method, url));
      }
    },
    async close() {
      await Promise.all([direct.destroy(), proxied.destroy()]);
    },
  };
}

/** The request as errors name it: without the query, which may hold a signature. */
export function describeRequest(method: string, { origin, pathname }: URL): string {
  return `${method} ${origin}${pathname}`;
}

/** Reads a short answer whole; undefined when it is not short. */
export async function readBody({ body, url }: HttpResponse): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > MAX_TEXT_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch (error) {
    throw explainNetworkError(error, describeRequest('GET', url));
  }
  return Buffer.concat(chunks);
}

/** The value of a header that comes once. */
export function headerOf({ headers }: HttpResponse, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
