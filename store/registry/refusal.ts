/** Says in words what a registry's status means. */
import { CaissonError } from '../../syscalls/index.ts';
import { describeRequest, type HttpRequest, type HttpResponse, headerOf, readBody } from './http.ts';
import { parseRetryAfter } from './retry.ts';

/** Who was asking: with credentials from somewhere, or with none. */
export interface Asker {
  readonly source: string | undefined;
}

/** The error for an answer that is none of those hoped for; reads its body. */
export async function explainRefusal(
  { method }: HttpRequest,
  response: HttpResponse,
  asker?: Asker,
): Promise<CaissonError> {
  const { status, url } = response;
  const said = describeErrors(await readBody(response).catch(() => undefined));
  const refused = (code: string, reason: string, hint?: string) =>
    new CaissonError(code, `${describeRequest(method, url)}: ${reason} (HTTP ${status}${said})`, { hint });
  if (status === 401) return refused('UNAUTHORIZED', `the registry ${describeUnauthorized(asker)}`, loginHint);
  if (status === 403) return refused('FORBIDDEN', `the registry does not allow it${describeAsker(asker)}`, loginHint);
  if (status === 404) return refused('NOT_FOUND', 'the registry has no such thing');
  if (status === 405 || status === 501) return refused('UNSUPPORTED', 'the registry cannot do it');
  if (status === 429) return withRetryAfter(refused('RATE_LIMITED', 'the registry was asked too often'), response);
  if (status === 408 || status >= 500) {
    return withRetryAfter(refused('REGISTRY_UNAVAILABLE', 'the registry cannot do it now'), response);
  }
  return refused('REGISTRY_ERROR', 'the registry refuses');
}

function describeUnauthorized(asker: Asker | undefined): string {
  if (asker === undefined) return 'wants to know who is asking';
  if (asker.source === undefined) return 'wants to know who is asking, and there are no credentials for it';
  return `does not take the credentials from ${asker.source}`;
}

function describeAsker(asker: Asker | undefined): string {
  if (asker === undefined) return '';
  return asker.source === undefined ? ' without credentials' : ` to who has the credentials from ${asker.source}`;
}

const loginHint = 'credentials come from the option credentials, or from where docker login leaves them';

function withRetryAfter(error: CaissonError, response: HttpResponse): CaissonError {
  const retryAfterMs = parseRetryAfter(headerOf(response, 'retry-after'), Date.now());
  return retryAfterMs === undefined ? error : Object.assign(error, { retryAfterMs });
}

/** What a registry says itself, made harmless to a terminal: `, DENIED: requested access is denied`. */
function describeErrors(body: Buffer | undefined): string {
  try {
    const { errors } = JSON.parse(body?.toString() ?? '') as { errors: { code?: unknown; message?: unknown }[] };
    const texts = errors.slice(0, 3).map(({ code, message }) => `${code}: ${message ?? ''}`);
    return `, ${texts
      .join('; ')
      .replace(/\p{Cc}/gu, ' ')
      .slice(0, 300)}`;
  } catch {
    return '';
  }
}
