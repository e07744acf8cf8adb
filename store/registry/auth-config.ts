/**
 * Reads Docker's config.json and containers' auth.json, which are of one form. Nothing of a file is ever part of an
 * error: it holds passwords.
 * Sources: docker/cli cli/config/configfile/file.go, containers-auth.json(5).
 */
import { CaissonError } from '../../syscalls/index.ts';
import { asObject, asStrings, type JsonObject, optional } from '../json.ts';
import type { Credentials } from './credentials.ts';

/** Where credentials lie, or who keeps them. */
export interface AuthConfig {
  /** By registry, or by the beginning of a repository's name. */
  readonly auths: ReadonlyMap<string, JsonObject>;
  /** The helper that keeps all of them. */
  readonly credsStore: string | undefined;
  /** The helper by registry. */
  readonly credHelpers: ReadonlyMap<string, string>;
}

/**
 * Reads such a file.
 * @param what names it in the error
 * @throws CaissonError CREDENTIALS_INVALID
 */
export function parseAuthConfig(text: string, what: string): AuthConfig {
  try {
    const document = asObject(JSON.parse(text), 'the document');
    const auths = Object.entries(optional(document.auths, 'auths', asObject) ?? {});
    const helpers = Object.entries(optional(document.credHelpers, 'credHelpers', asStrings) ?? {});
    const store = document.credsStore;
    return {
      auths: new Map(auths.map(([key, value]) => [normalizeKey(key), asObject(value, 'an entry')])),
      credsStore: typeof store === 'string' && store !== '' ? store : undefined,
      credHelpers: new Map(helpers.map(([key, value]) => [normalizeKey(key), value])),
    };
  } catch {
    throw invalid(what, 'it is not in the form of a config.json of Docker');
  }
}

/** The credentials that stand in the file itself: those of the longest key that fits. */
export function findInAuths(
  { auths }: AuthConfig,
  host: string,
  repository: string,
  what: string,
): Credentials | undefined {
  const name = `${normalizeKey(host)}/${repository}`;
  const keys = [...auths.keys()].filter((key) => name === key || name.startsWith(`${key}/`));
  for (const key of keys.sort((a, b) => b.length - a.length)) {
    const found = readEntry(auths.get(key) ?? {}, key, what);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The name that files have for a registry: without a scheme, the API's version and the many names of Docker Hub. */
export function normalizeKey(key: string): string {
  const name = key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  return /^(?:index|registry-1)\.docker\.io$/.test(name) ? 'docker.io' : name;
}

function readEntry(entry: JsonObject, key: string, what: string): Credentials | undefined {
  const text = (name: string) => (typeof entry[name] === 'string' && entry[name] !== '' ? entry[name] : undefined);
  const [identityToken, registryToken, auth] = [text('identitytoken'), text('registrytoken'), text('auth')];
  if (identityToken !== undefined) return { identityToken };
  if (registryToken !== undefined) return { registryToken };
  if (auth === undefined) {
    const [username, password] = [text('username'), text('password')];
    return username === undefined || password === undefined ? undefined : { username, password };
  }
  const decoded = Buffer.from(auth, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon <= 0) throw invalid(what, `its entry for '${key}' holds no name and password`);
  // Docker ends them with NUL at times: docker/cli configfile.decodeAuth.
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

function invalid(what: string, reason: string): CaissonError {
  return new CaissonError('CREDENTIALS_INVALID', `${what} cannot be read for credentials: ${reason}`);
}
