import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** What the tests and the bench use, with the places where one file of it shows that it is there. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'busybox-static': ['/bin/busybox'],
  skopeo: ['/usr/bin/skopeo'],
  'docker-registry': ['/usr/bin/docker-registry'],
  openssl: ['/usr/bin/openssl'],
  perl: ['/usr/bin/perl'],
  umoci: ['/usr/bin/umoci'],
  podman: ['/usr/bin/podman'],
  buildah: ['/usr/bin/buildah'],
  attr: ['/usr/bin/getfattr'],
  'libarchive-tools': ['/usr/bin/bsdtar'],
  zstd: ['/usr/bin/zstd'],
  python3: ['/usr/bin/python3'],
  debootstrap: ['/usr/sbin/debootstrap'],
  uidmap: ['/usr/bin/newuidmap'],
  bubblewrap: ['/usr/bin/bwrap'],
  crun: ['/usr/bin/crun'],
  runc: ['/usr/bin/runc', '/usr/sbin/runc'],
  strace: ['/usr/bin/strace'],
  gcc: ['/usr/bin/gcc'],
  'libc6-dev': ['/usr/include/stdio.h'],
  'binutils-aarch64-linux-gnu': ['/usr/bin/aarch64-linux-gnu-objdump'],
  'qemu-user': ['/usr/bin/qemu-aarch64'],
  'redis-server': ['/usr/bin/redis-server'],
  git: ['/usr/bin/git'],
  procps: ['/usr/bin/ps'],
  'util-linux': ['/usr/bin/script', '/usr/bin/unshare'],
};

/** Installs the missing packages where this is possible (root on Debian or a relative), and says what stays missing. */
export function installDebianPackages(): void {
  const wanted = missingPackages();
  if (wanted.length === 0) return;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log(`installing Debian packages for the tests: ${wanted.join(' ')}`);
    apt('update');
    // One package this distribution does not know fails all of them, so what is left is tried one by one.
    apt('install', ...wanted);
    for (const name of missingPackages()) apt('install', name);
  }
  const missing = missingPackages();
  if (missing.length > 0) console.warn(`tests that need these Debian packages are skipped: ${missing.join(' ')}`);
}

function missingPackages(): string[] {
  return Object.keys(PACKAGES).filter((name) => !PACKAGES[name]?.some((path) => existsSync(path)));
}

function apt(...command: readonly string[]): void {
  // A second apt at work on this machine is waited for instead of being an error.
  const options = ['-qq', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300'];
  // Runlevel 1: a server that comes with a package is not to be started on this machine (man 8 invoke-rc.d).
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const { status, stderr } = spawnSync('apt-get', [...options, ...command], { env, encoding: 'utf8' });
  if (status !== 0) console.warn(`apt-get ${command.join(' ')}: ${stderr.trim()}`);
}
