/** Finds who this user is to a registry, in the places where docker, podman and skopeo leave that. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { type AuthConfig, findInAuths, normalizeKey, parseAuthConfig } from './auth-config.ts';
import { askHelper } from './credential-helper.ts';

/** What shows a registry who is asking. */
export type Credentials =
  | { readonly username: string; readonly password: string }
  /** Exchanged for a token (OAuth's refresh token), as `docker login` of some registries leaves it. */
  | { readonly identityToken: string }
  /** Shown as it is. */
  | { readonly registryToken: string };

/** Credentials, and where they were. */
export interface FoundCredentials {
  readonly credentials: Credentials;
  /** As errors say it: `'/root/.docker/config.json'`. */
  readonly source: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The credentials for a repository; undefined when there are none. Helpers go before what stands in a file, as with
 * Docker.
 *
 * @throws CaissonError CREDENTIALS_INVALID, CREDENTIALS_UNAVAILABLE
 */
export async function findCredentials(
  host: string,
  repository: string,
  signal?: AbortSignal,
  env: Environment = process.env,
): Promise<FoundCredentials | undefined> {
  for (const { what, text } of readSources(env, homedir())) {
    if (text.trim() === '') continue;
    const config = parseAuthConfig(text, what);
    const helper = helperFor(config, host);
    const kept = helper === undefined ? undefined : await askHelper(helper, serverName(host), signal);
    if (kept !== undefined)
      return { credentials: kept, source: `the helper 'docker-credential-${helper}' that ${what} names` };
    const found = findInAuths(config, host, repository, what);
    if (found !== undefined) return { credentials: found, source: what };
  }
  return undefined;
}

function helperFor({ credHelpers, credsStore }: AuthConfig, host: string): string | undefined {
  return credHelpers.get(normalizeKey(host)) ?? credsStore;
}

/** What Docker calls Docker Hub to its helpers. */
function serverName(host: string): string {
  return normalizeKey(host) === 'docker.io' ? 'https://index.docker.io/v1/' : host;
}

function* readSources(env: Environment, home: string): Generator<{ readonly what: string; readonly text: string }> {
  if (env.DOCKER_AUTH_CONFIG) yield { what: 'DOCKER_AUTH_CONFIG', text: env.DOCKER_AUTH_CONFIG };
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, XDG_CONFIG_HOME } = env;
  if (REGISTRY_AUTH_FILE) yield { what: `'${REGISTRY_AUTH_FILE}'`, text: readNamed(REGISTRY_AUTH_FILE) };
  const paths = [
    join(DOCKER_CONFIG || join(home, '.docker'), 'config.json'),
    XDG_RUNTIME_DIR && join(XDG_RUNTIME_DIR, 'containers/auth.json'),
    join(XDG_CONFIG_HOME || join(home, '.config'), 'containers/auth.json'),
  ];
  for (const path of paths) {
    const text = path ? readIfThere(path) : undefined;
    if (text !== undefined) yield { what: `'${path}'`, text };
  }
}

/** What somebody names must be there. */
function readNamed(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CaissonError('CREDENTIALS_UNAVAILABLE', `the file '${path}' cannot be read for credentials`, {
      hint: 'the environment variable REGISTRY_AUTH_FILE names it',
      cause,
    });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    throw error;
  }
}
