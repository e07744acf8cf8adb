/**
 * Names of images, as Docker reads them: `alpine` is `docker.io/library/alpine:latest`.
 * Source: distribution/reference (reference.go has the grammar, normalize.go what is left out).
 */
import { CaissonError } from '../syscalls/index.ts';

/** A complete name of an image. */
export interface Reference {
  /** The registry: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** The repository in it: `library/alpine`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const DOMAIN_LABEL = '(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])';
const DOMAIN = new RegExp(`^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MAX_LENGTH = 255;

/**
 * Reads a name of an image and fills in what Docker would: registry, `library/` and, without a digest, `latest`.
 * @throws CaissonError REFERENCE_INVALID, with the reason
 */
export function parseReference(text: string): Reference {
  const [beforeDigest, digest, ...more] = text.split('@');
  if (more.length > 0 || beforeDigest === undefined) throw invalid(text, "there is more than one '@'");
  if (digest !== undefined && !DIGEST.test(digest)) throw invalid(text, `'${digest}' is not a sha256 digest`);
  const colon = beforeDigest.lastIndexOf(':');
  const tag = colon > beforeDigest.lastIndexOf('/') ? beforeDigest.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `'${tag}' is not a tag`);
  const { domain, path } = splitName(tag === undefined ? beforeDigest : beforeDigest.slice(0, colon));

  if (path === '') throw invalid(text, 'it has no repository');
  if (!DOMAIN.test(domain)) throw invalid(text, `'${domain}' is not a registry`);
  if (/[A-Z]/.test(path)) throw invalid(text, 'a repository is written in lower case');
  const wrong = path.split('/').find((component) => !COMPONENT.test(component));
  if (wrong !== undefined) throw invalid(text, `'${wrong}' is not part of a repository's name`);
  if (domain.length + 1 + path.length > MAX_LENGTH) throw invalid(text, `it is longer than ${MAX_LENGTH} characters`);
  if (digest === undefined) return { domain, path, tag: tag ?? 'latest' };
  return { domain, path, ...(tag === undefined ? {} : { tag }), digest };
}

/** The complete name: `docker.io/library/alpine:latest`. */
export function formatReference({ domain, path, tag, digest }: Reference): string {
  return `${domain}/${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** The first component is a registry only if it cannot be anything else: `a/b` is on Docker Hub, `a.io/b` is not. */
function splitName(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first;
  const domain = isDomain ? first : 'docker.io';
  const path = isDomain ? name.slice(slash + 1) : name;
  if (domain !== 'docker.io' && domain !== 'index.docker.io') return { domain, path };
  return { domain: 'docker.io', path: path === '' || path.includes('/') ? path : `library/${path}` };
}

function invalid(text: string, reason: string): CaissonError {
  return new CaissonError(
    'REFERENCE_INVALID',
    `not a name of an image: ${JSON.stringify(text.slice(0, 300))}: ${reason}`,
  );
}
