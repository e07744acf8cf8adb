/**
 * The /etc of the host image: what is copied from this machine, and what is written new.
 *
 * An entry is copied when all of this holds:
 *   1. programs under /usr work badly or not at all without it;
 *   2. packages write it, not people, and its format has no place for a password or a token
 *      (so not: environment, gitconfig, npmrc, pip.conf, wgetrc, maven/, profile.d/, apt/);
 *   3. every user of this machine may read it: files without o+r are left out wherever they are;
 *   4. it holds no key: see {@link looksLikeKey}.
 * What tells machines or people apart (passwd, hosts, hostname, machine-id, resolv.conf) is written new or left out.
 */

/** Copied if there: names in /etc, directories with all that is in them. */
export const COPIED_NAMES: readonly string[] = [
  // The dynamic loader, and the links behind /usr/bin/awk, /usr/bin/java…
  ...['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'alternatives'],
  // Certificate authorities. Never ssl/private, pki/tls/private.
  ...['ssl/certs', 'ssl/cert.pem', 'ssl/openssl.cnf', 'ca-certificates.conf', 'ca-certificates/extracted'],
  ...['pki/ca-trust/extracted', 'pki/tls/certs', 'pki/tls/cert.pem', 'pki/tls/openssl.cnf', 'crypto-policies'],
  // Time, language, terminals, fonts.
  ...['localtime', 'timezone', 'locale.alias', 'terminfo', 'inputrc', 'fonts'],
  // Numbers and names that standards give.
  ...['services', 'protocols', 'rpc', 'ethertypes', 'netconfig', 'mime.types', 'magic', 'magic.mime'],
  // Which system this is.
  ...[
    'os-release',
    'lsb-release',
    'debian_version',
    'alpine-release',
    'redhat-release',
    'system-release',
    'arch-release',
  ],
  // Shells.
  ...['shells', 'profile', 'bash.bashrc', 'bashrc', 'login.defs'],
  // Interpreters that read their configuration before the first line of a program.
  'perl',
];

/** Copied too: names that have a version or an architecture in them. */
export const COPIED_PATTERNS: readonly RegExp[] = [
  /^python3(\.\d+)?$/,
  /^java(-\d+-openjdk)?$/,
  /^ld-musl-[\w-]+\.path$/,
];

/**
 * A change in one of these may be a change deep in a directory that is copied: the databases of the package managers,
 * and the two files people edit in place. Only their time and size are looked at.
 */
export const WATCHED_PATHS: readonly string[] = [
  '/var/lib/dpkg/status',
  '/var/lib/rpm/rpmdb.sqlite',
  '/usr/lib/sysimage/rpm/rpmdb.sqlite',
  '/lib/apk/db/installed',
  '/var/lib/pacman/local',
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/certs/java/cacerts',
];

/** The files written new, by name in /etc. */
export function syntheticEtc(shell: string): Readonly<Record<string, string>> {
  return {
    passwd: lines(
      `root:x:0:0:root:/root:${shell}`,
      'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin',
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    ),
    group: lines('root:x:0:', 'daemon:x:1:', 'tty:x:5:', 'nogroup:x:65534:'),
    hosts: lines('127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'),
    'host.conf': lines('multi on'),
    'nsswitch.conf': lines(
      ...['passwd', 'group', 'networks', 'protocols', 'services', 'ethers', 'rpc'].map((name) => `${name}: files`),
      'hosts: files dns',
    ),
    // Empty: each container has its own mounted over them.
    'resolv.conf': '',
    hostname: '',
  };
}

/** Whether a file is, or may be, a private key: people put them where certificates are. */
export function looksLikeKey(name: string, content: Buffer): boolean {
  return /\.(key|p12|pfx)$/i.test(name) || content.includes('PRIVATE KEY-----');
}

/** Whether a name is that of a manual page: four of five links in alternatives/, half of the time a copy takes. */
export function isManualPage(name: string): boolean {
  return /\.[0-9][a-z]*\.(gz|bz2|xz|zst)$/.test(name);
}

function lines(...text: readonly string[]): string {
  return text.map((line) => `${line}\n`).join('');
}
