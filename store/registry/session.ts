/** A conversation with one registry about one repository. */
import { CaissonError } from '../../syscalls/index.ts';
import { createAuthorizer } from './authorizer.ts';
import { parseChallenges } from './challenge.ts';
import { findCredentials } from './credentials.ts';
import { type Endpoint, formatEndpoint, isLoopback } from './endpoints.ts';
import { type HttpClient, type HttpRequest, type HttpResponse, openHttp } from './http.ts';
import { isWithoutTls } from './network-error.ts';
import type { Settings } from './options.ts';
import { sendFollowing } from './redirect.ts';
import { explainRefusal } from './refusal.ts';
import { type RetryPolicy, withRetries } from './retry.ts';

/** What is asked of a registry. */
export interface RegistryRequest extends Pick<HttpRequest, 'headers' | 'body' | 'signal'> {
  readonly method: HttpRequest['method'];
  /** Below the repository (`manifests/latest`), or where the registry itself has pointed. */
  readonly path: string | URL;
  /** What is an answer; anything else is thrown. @default [200] */
  readonly expect?: readonly number[];
}

/** A repository that can be asked. */
export interface Repository {
  /** What errors call it: `localhost:5000/me/app`. */
  readonly name: string;
  readonly host: string;
  /** The name in the registry: `me/app`. */
  readonly path: string;
  readonly retryPolicy: RetryPolicy;
  readonly timeoutMs: number;
  /** Asks, again where that may help. @throws CaissonError for any answer that is not expected */
  request(request: RegistryRequest): Promise<HttpResponse>;
  /** Asks once. */
  requestOnce(request: RegistryRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** What is to be done there. */
export interface RepositoryOptions {
  readonly settings: Settings;
  /** What tokens must allow, by repository: `['pull', 'push']`. */
  readonly actions: readonly string[];
  /** Other repositories to be read from. */
  readonly alsoPull?: readonly string[];
  readonly onRetry?: RetryPolicy['onRetry'];
}

/** Opens a repository. Nothing is sent before the first request. */
export async function openRepository(endpoint: Endpoint, options: RepositoryOptions): Promise<Repository> {
  const { settings, actions, alsoPull = [], onRetry } = options;
  const { host, repository, isMirror } = endpoint;
  const http = await openHttp(settings);
  const scopes = [
    `repository:${repository}:${actions.join(',')}`,
    ...alsoPull.map((each) => `repository:${each}:pull`),
  ];
  const findThem = async () => {
    const { credentials, signal } = settings;
    if (isMirror || credentials === undefined) return findCredentials(host, repository, signal);
    return { credentials, source: 'the option credentials' };
  };
  const retryPolicy: RetryPolicy = { ...settings, ...(isMirror ? { retries: 1 } : {}), onRetry };

  let opening: Promise<Connection> | undefined;
  const open = () => {
    opening ??= connect().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  async function connect(): Promise<Connection> {
    const registry = await findOrigin(http, host, settings);
    return { registry, authorizer: createAuthorizer({ http, registry, scopes, findCredentials: findThem, settings }) };
  }

  async function requestOnce({ path, expect = [200], ...rest }: RegistryRequest): Promise<HttpResponse> {
    const connection = await open();
    const url = path instanceof URL ? path : new URL(`/v2/${repository}/${path}`, connection.registry);
    const request = { signal: settings.signal, ...rest, url };
    const response = await sendAuthorized(http, connection, request, settings);
    if (expect.includes(response.status)) return response;
    throw await explainRefusal(request, response, connection.authorizer.asker());
  }

  return {
    name: formatEndpoint(endpoint),
    host,
    path: repository,
    retryPolicy,
    timeoutMs: settings.timeoutMs,
    request: (request) => withRetries(retryPolicy, () => requestOnce(request)),
    requestOnce,
    close: () => http.close(),
  };
}

interface Connection {
  readonly registry: URL;
  readonly authorizer: ReturnType<typeof createAuthorizer>;
}

/** Who is asking is shown to the registry alone, and only its own 401 is answered. */
async function sendAuthorized(
  http: HttpClient,
  { registry, authorizer }: Connection,
  request: HttpRequest,
  { insecure }: Settings,
): Promise<HttpResponse> {
  const isOwn = request.url.origin === registry.origin;
  const send = (authorization: string | undefined) => {
    const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) };
    return sendFollowing(http, { ...request, headers }, insecure);
  };
  const shown = isOwn ? await authorizer.authorization() : undefined;
  const response = await send(shown);
  if (response.status !== 401 || !isOwn || response.url.origin !== registry.origin) return response;
  const answer = await authorizer.answer(parseChallenges(response.headers['www-authenticate']), shown);
  if (answer === undefined) return response;
  await response.body.dump();
  return send(answer);
}

/** Loopback, and whatever the user says is insecure, may be without TLS, which the first answer shows. */
async function findOrigin(http: HttpClient, host: string, { insecure, ca, signal }: Settings): Promise<URL> {
  const secure = new URL(`https://${host}`);
  if (!insecure && (!isLoopback(host) || ca.length > 0)) return secure;
  try {
    const { body } = await http.send({ method: 'GET', url: new URL('/v2/', secure), signal });
    await body.dump();
    return secure;
  } catch (error) {
    if (isWithoutTls(error)) return new URL(`http://${host}`);
    throw error;
  }
}

/** Where a registry points to: its Location, never out of TLS when the registry was reached by it. */
export function resolveLocation(location: string | undefined, response: HttpResponse): URL {
  if (location === undefined || !URL.canParse(location, response.url.href)) {
    throw new CaissonError('REGISTRY_ERROR', `${response.url.host} does not say where to go on`);
  }
  const url = new URL(location, response.url.href);
  // Registries behind a proxy that ends TLS often do not know of it.
  if (response.url.protocol === 'https:' && url.host === response.url.host) url.protocol = 'https:';
  if (response.url.protocol === 'https:' && url.protocol !== 'https:') {
    throw new CaissonError('REDIRECT_REFUSED', `${response.url.host} points out of TLS, to ${url.origin}`);
  }
  return url;
}
