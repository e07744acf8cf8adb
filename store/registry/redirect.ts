/** Follows a server that sends elsewhere, as to a storage's own servers: with what was asked, and nothing secret. */
import { CaissonError } from '../../syscalls/index.ts';
import { isLoopback } from './endpoints.ts';
import { describeRequest, type HttpClient, type HttpRequest, type HttpResponse, headerOf } from './http.ts';

/** As many as Go's client, which the other tools use, follows. */
const MAX_REDIRECTS = 10;

/**
 * Sends a request and follows where it leads. Authorization goes only to the origin it was made for.
 *
 * @throws CaissonError REDIRECT_REFUSED for a redirect without end, out of TLS, or of anything but a question
 */
export async function sendFollowing(http: HttpClient, request: HttpRequest, insecure: boolean): Promise<HttpResponse> {
  let current = request;
  for (let hops = 0; ; hops++) {
    const response = await http.send(current);
    const location = [301, 302, 303, 307, 308].includes(response.status) ? headerOf(response, 'location') : undefined;
    if (location === undefined) return response;
    await response.body.dump();
    const refused = (reason: string) =>
      new CaissonError('REDIRECT_REFUSED', `${describeRequest(request.method, request.url)}: ${reason}`);
    if (hops === MAX_REDIRECTS) throw refused(`more than ${MAX_REDIRECTS} redirects`);
    if (request.method !== 'GET' && request.method !== 'HEAD') throw refused('it is redirected elsewhere');
    const url = parseLocation(location, current.url);
    if (url === undefined) throw refused('it is redirected to what is no address');
    if (!mayFollow(current.url, url, insecure)) throw refused(`it is redirected out of TLS, to ${url.origin}`);
    current = { ...current, url, headers: headersFor(current, url) };
  }
}

/** Whether a server may send there: never out of TLS, and without it only where plain HTTP is allowed. */
export function mayFollow(from: URL, to: URL, insecure: boolean): boolean {
  if (to.protocol === 'https:') return true;
  return to.protocol === 'http:' && from.protocol === 'http:' && (insecure || isLoopback(to.host));
}

function headersFor({ url, headers = {} }: HttpRequest, next: URL): Readonly<Record<string, string>> {
  if (next.origin === url.origin) return headers;
  const { authorization: _, ...others } = headers;
  return others;
}

function parseLocation(location: string, base: URL): URL | undefined {
  return URL.canParse(location, base.href) ? new URL(location, base.href) : undefined;
}
