/** Lists that come in pages, each with a Link to the next (RFC 8288; distribution-spec, "Listing Tags"). */
import { CaissonError } from '../../syscalls/index.ts';
import { type JsonObject, parseDocument } from '../json.ts';
import { type HttpResponse, headerOf, readBody } from './http.ts';
import type { Repository } from './session.ts';

/** A registry that has more pages than this is making them up. */
const MAX_PAGES = 10_000;

/**
 * Reads a list, page by page; undefined when there is none.
 * @param what names it in errors
 */
export async function readPages<T>(
  repository: Repository,
  path: string,
  what: string,
  read: (page: JsonObject) => readonly T[],
): Promise<T[] | undefined> {
  const items: T[] = [];
  let next: string | URL | undefined = path;
  for (let page = 0; next !== undefined; page++) {
    if (page === MAX_PAGES) throw new CaissonError('REGISTRY_ERROR', `${what} has more than ${MAX_PAGES} pages`);
    const response: HttpResponse = await repository.request({ method: 'GET', path: next, expect: [200, 404] });
    const body = await readBody(response);
    if (response.status === 404) return undefined;
    items.push(...parseDocument(body ?? '', what, read));
    next = nextPage(headerOf(response, 'link'), response.url);
  }
  return items;
}

/** The next page's address; only the registry itself has one. */
export function nextPage(header: string | undefined, current: URL): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(header ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, current.href)) return undefined;
  const next = new URL(target, current.href);
  // Behind a proxy that ends TLS, registries call themselves http.
  next.protocol = current.protocol;
  return next.origin === current.origin && next.href !== current.href ? next : undefined;
}
