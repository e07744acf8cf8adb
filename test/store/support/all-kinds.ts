import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, lsetxattr, TIMESPEC, utimensat } from '../../../syscalls/index.ts';

/** Makes a tree with everything that a layer can hold, as root; `without` leaves some of it out. */
export function makeTreeOfAllKinds(root: string, without: readonly string[] = []): void {
  const at = (name: string) => join(root, name);
  const unless = (what: string, make: () => void) => without.includes(what) || make();
  mkdirSync(at('dir/deep'), { recursive: true });
  writeFileSync(at('dir/file'), 'content');
  chownSync(at('dir/file'), 1000, 100);
  chmodSync(at('dir/file'), 0o4751);
  linkSync(at('dir/file'), at('dir/deep/hard'));
  symlinkSync('../dir/file', at('soft'));
  symlinkSync('t'.repeat(200), at('long-target'));
  run('chown', '-h', '5:6', at('soft'));
  writeFileSync(at(`${'d'.repeat(150)}-long`), 'long');
  mkdirSync(at(`dir/${'e'.repeat(120)}`));
  writeFileSync(at(`dir/${'e'.repeat(120)}/${'f'.repeat(120)}`), 'longer');
  writeFileSync(at('grün'), 'text that is not ASCII');
  unless('raw names', () => writeFileSync(Buffer.concat([Buffer.from(at('raw-')), Buffer.from([0xff, 0x80])]), 'raw'));
  run('mknod', '-m', '620', at('null'), 'c', '1', '3');
  run('mknod', at('loop'), 'b', '7', '300');
  run('mkfifo', at('fifo'));
  unless('big owners', () => chownSync(at('fifo'), 3_000_000_000, 2_100_000));
  unless('attributes', () => {
    // VFS_CAP_REVISION_2, effective, cap_net_raw
    attribute(at('dir/file'), 'security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex'));
    attribute(at('dir'), 'user.raw', Buffer.from([1, 0, 0x0a, 0x3d, 0xff]));
    attribute(at('dir'), 'trusted.kept', Buffer.from('kept'));
  });
  const sparse = openSync(at('sparse'), 'w');
  writeSync(sparse, 'data', 1024 * 1024);
  ftruncateSync(sparse, 4 * 1024 * 1024);
  closeSync(sparse);
  setTime(at('dir/file'), 1_700_000_000_123_456_789n);
  unless('old times', () => setTime(at('soft'), -1_250_000_000n));
  lutimesSync(at('dir'), 1e9, 1e9);
}

function attribute(path: string, name: string, value: Buffer): void {
  lsetxattr(path, name, value, value.length, 0);
}

function setTime(path: string, ns: bigint): void {
  const nsec = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const time = { tv_sec: (ns - nsec) / 1_000_000_000n, tv_nsec: nsec };
  utimensat(AT_FDCWD, path, TIMESPEC.array([time, time]), AT_SYMLINK_NOFOLLOW);
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: 'pipe' });
}
