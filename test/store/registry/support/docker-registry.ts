/** Debian's docker-registry on loopback, for one test. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { requires } from '../../../support/requires.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

/** A registry that runs. */
export interface RunningRegistry {
  /** With its port: `127.0.0.1:34567`. */
  readonly host: string;
  /** The certificate of the authority that vouches for it, where it has TLS. */
  readonly ca: string;
  /** A directory with `ca.crt`, as skopeo wants it. */
  readonly certificates: string;
}

/** What the registry is like. */
export interface RegistryFeatures {
  readonly tls?: boolean;
  /** Wants name and password: `me`, `secret`. */
  readonly login?: boolean;
}

export const LOGIN = { username: 'me', password: 'secret' };

/** Starts a registry with its files in a temporary directory; it ends with the test. */
export async function startRegistry(
  context: TestContext,
  { tls = false, login = false }: RegistryFeatures = {},
): Promise<RunningRegistry> {
  requires(context, existsSync('/usr/bin/docker-registry'), 'docker-registry');
  const directory = temporaryDirectory(context);
  const certificates = join(directory, 'certificates');
  if (tls) makeCertificates(certificates);
  if (login) writeFileSync(join(directory, 'htpasswd'), `${LOGIN.username}:${bcrypt(LOGIN.password)}\n`);
  const config = {
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(directory, 'data') }, delete: { enabled: true } },
    http: {
      addr: '127.0.0.1:0',
      ...(tls ? { tls: { certificate: `${certificates}/server.pem`, key: `${certificates}/server-key.pem` } } : {}),
    },
    ...(login ? { auth: { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } } } : {}),
  };
  // JSON is YAML.
  const file = join(directory, 'config.yml');
  writeFileSync(file, JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  context.onTestFinished(() => void child.kill('SIGKILL'));
  const host = await new Promise<string>((resolve, reject) => {
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(log)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once('error', reject).once('exit', () => reject(new Error(`docker-registry has ended: ${log}`)));
  });
  return { host, ca: tls ? readFileSync(`${certificates}/ca.crt`, 'utf8') : '', certificates };
}

/** An authority of one's own, and a certificate for 127.0.0.1 that it signed: `ca.crt`, `server.pem`, `server-key.pem`. */
export function makeCertificates(directory: string): void {
  mkdirSync(directory);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca-key.pem', '-out', 'ca.crt', '-subj', '/CN=caisson test', '-days', '2');
  openssl('req', ...key, '-keyout', 'server-key.pem', '-out', 'server.csr', '-subj', '/CN=127.0.0.1');
  writeFileSync(join(directory, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost');
  const sign = ['-CA', 'ca.crt', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', 'names', '-days', '2'];
  openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...sign);
}

/** As `htpasswd -B` does it: libxcrypt, which every Debian has, is asked through Perl. */
function bcrypt(password: string): string {
  return execFileSync('perl', ['-e', 'print crypt($ARGV[0], q($2y$05$abcdefghijklmnopqrstuu))', password], {
    encoding: 'utf8',
  });
}
