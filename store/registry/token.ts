/**
 * Gets a token from the server that a registry names.
 * Sources: distribution's docs/spec/auth/token.md and oauth.md.
 */
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import type { Credentials } from './credentials.ts';
import { isLoopback } from './endpoints.ts';
import { type HttpClient, type HttpRequest, type HttpResponse, readBody } from './http.ts';
import { sendFollowing } from './redirect.ts';
import { type Asker, explainRefusal } from './refusal.ts';

/** A token, and until when it is good. */
export interface Token {
  readonly token: string;
  /** In milliseconds since 1970. */
  readonly expires: number;
}

/** What a token is asked for. */
export interface TokenRequest extends Asker {
  readonly realm: URL;
  readonly service: string | undefined;
  /** `repository:library/alpine:pull` */
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
}

/** Registries that do not say it mean this (token.md). */
const DEFAULT_SECONDS = 60;
const CLIENT = 'caisson';

/** What is known about a registry when it names its token server. */
export interface RealmContext {
  /** Where the registry itself was reached. */
  readonly registry: URL;
  readonly hasCredentials: boolean;
  readonly insecure: boolean;
  readonly tokenServers: readonly string[];
}

/**
 * Whether a registry may send there for a token. The credentials go to that server, so it must be reached by TLS like
 * the registry, and be of the registry's own domain or named by the user: otherwise whoever can answer for a registry
 * once could have them sent to himself (CVE-2020-15157).
 *
 * @throws CaissonError TOKEN_SERVER_REFUSED
 */
export function checkRealm(text: string, { registry, hasCredentials, insecure, tokenServers }: RealmContext): URL {
  const refused = (reason: string, hint?: string) =>
    new CaissonError('TOKEN_SERVER_REFUSED', `${registry.host} wants a token of '${text.slice(0, 200)}': ${reason}`, {
      hint,
    });
  if (!URL.canParse(text)) throw refused('that is no address');
  const realm = new URL(text);
  const mayBePlain = registry.protocol === 'http:' && (insecure || isLoopback(realm.host));
  if (realm.protocol !== 'https:' && !(realm.protocol === 'http:' && mayBePlain)) throw refused('that is not TLS');
  if (realm.username !== '' || realm.password !== '') throw refused('there is a name or a password in it');
  if (!hasCredentials || tokenServers.includes(realm.host) || isOfDomain(realm, registry)) return realm;
  const hint = `if it is theirs, name it in the option tokenServers: ['${realm.host}']`;
  throw refused('credentials are not sent to another domain', hint);
}

/** Gets a token. With a name and a password first as Docker does, then by OAuth where that is all there is. */
export async function fetchToken(
  http: HttpClient,
  request: TokenRequest,
  { insecure, signal }: { readonly insecure: boolean; readonly signal: AbortSignal | undefined },
): Promise<Token> {
  const { credentials } = request;
  const ask = async (wanted: HttpRequest) => {
    const response = await sendFollowing(http, { ...wanted, signal }, insecure);
    if (response.status === 200) return readToken(response);
    throw await explainRefusal(wanted, response, request);
  };
  if (credentials !== undefined && 'identityToken' in credentials) return ask(postRequest(request));
  try {
    return await ask(getRequest(request));
  } catch (error) {
    if (credentials === undefined || !hasCode(error, 'NOT_FOUND', 'UNSUPPORTED')) throw error;
    return ask(postRequest(request));
  }
}

/** The value of Authorization for a name and a password. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function getRequest({ realm, service, scopes, credentials }: TokenRequest): HttpRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials === undefined || !('username' in credentials)) return { method: 'GET', url };
  url.searchParams.set('account', credentials.username);
  const authorization = basicAuthorization(credentials.username, credentials.password);
  return { method: 'GET', url, headers: { authorization } };
}

function postRequest({ realm, service, scopes, credentials }: TokenRequest): HttpRequest {
  const form = new URLSearchParams({ client_id: CLIENT, scope: scopes.join(' ') });
  if (service !== undefined) form.set('service', service);
  if (credentials !== undefined && 'identityToken' in credentials) {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', credentials.identityToken);
  } else if (credentials !== undefined && 'username' in credentials) {
    form.set('grant_type', 'password');
    form.set('username', credentials.username);
    form.set('password', credentials.password);
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url: realm, headers, body: () => form.toString() };
}

async function readToken(response: HttpResponse): Promise<Token> {
  const now = Date.now();
  const body = await readBody(response);
  const answer = parse(body?.toString() ?? '');
  const token = answer.token ?? answer.access_token;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new CaissonError('REGISTRY_ERROR', `the token server ${response.url.host} answers without a token`);
  }
  const seconds = typeof answer.expires_in === 'number' ? answer.expires_in : DEFAULT_SECONDS;
  return { token, expires: now + Math.max(seconds, DEFAULT_SECONDS) * 1000 };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** `auth.docker.io` for `registry-1.docker.io`; a registry `example.com` is a domain itself. */
function isOfDomain(realm: URL, registry: URL): boolean {
  if (realm.host === registry.host) return true;
  // Of addresses and of one name alone, everything after the first dot is no domain.
  if (/^[\d.]+$|^\[/.test(registry.hostname)) return false;
  const parent = registry.hostname.slice(registry.hostname.indexOf('.') + 1);
  const domain = parent.includes('.') ? parent : registry.hostname;
  return realm.hostname === domain || realm.hostname.endsWith(`.${domain}`);
}
