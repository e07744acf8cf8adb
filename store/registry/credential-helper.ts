/** Asks a credential helper: a program `docker-credential-NAME`, spoken to as docker/docker-credential-helpers says. */
import { execFile } from 'node:child_process';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import type { Credentials } from './credentials.ts';

/** What a helper prints when it has nothing; it then fails, too. */
const NOTHING = /credentials not found|no credentials server URL|no credentials username/i;

/**
 * The credentials a helper has for a registry; undefined when it has none.
 *
 * @param server as Docker names it: its host, or for Docker Hub `https://index.docker.io/v1/`
 * @throws CaissonError CREDENTIALS_UNAVAILABLE when there is no such helper or it fails
 */
export async function askHelper(
  helper: string,
  server: string,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  if (!/^[\w.-]+$/.test(helper)) throw unavailable(program, 'that is not a name of a program');
  const { error, stdout } = await run(program, server, signal);
  signal?.throwIfAborted();
  if (error !== null && NOTHING.test(stdout)) return undefined;
  if (hasCode(error, 'ENOENT')) throw unavailable(program, 'there is no such program on the PATH', error);
  // What it prints may be secret, so it is not repeated.
  if (error !== null) throw unavailable(program, `it failed for '${server}'`);
  const { Username: username, Secret: secret } = parse(stdout) ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string') {
    throw unavailable(program, `its answer for '${server}' is none`);
  }
  return username === '<token>' ? { identityToken: secret } : { username, password: secret };
}

function run(program: string, input: string, signal: AbortSignal | undefined) {
  return new Promise<{ readonly error: Error | null; readonly stdout: string }>((resolve) => {
    const child = execFile(program, ['get'], { signal, timeout: 60_000 }, (error, stdout) =>
      resolve({ error, stdout }),
    );
    // A helper that ends without reading is judged by how it ended.
    child.stdin?.on('error', () => {}).end(input);
  });
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unavailable(program: string, reason: string, cause?: unknown): CaissonError {
  return new CaissonError('CREDENTIALS_UNAVAILABLE', `the credential helper '${program}' gives nothing: ${reason}`, {
    hint: 'it is named in the config.json of Docker; the option credentials goes before it',
    cause,
  });
}
