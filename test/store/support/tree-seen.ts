import { execFileSync } from 'node:child_process';

/**
 * All of a tree to the last byte, as lines: names, kinds, owners, modes, sizes, links, times, devices, contents and
 * extended attributes. Not the times of directories, which nobody restores alike.
 */
const SEE = `
find . -mindepth 1 \\( -type d -printf '%P/ %m %U:%G\\n' -o -printf '%P %y %m %U:%G %s %l %T@ %n\\n' \\) | sort
find . \\( -type b -o -type c \\) -exec stat -c '%n %t:%T' {} + | sort
find . -type f -exec sha256sum {} + | sort -k2
getfattr -R -h -d -m '^(user|security)\\.' -e hex . | grep -v '\\.overlay\\.\\|selinux' || true
`;

/** What is in a directory. */
export function treeAt(path: string): string[] {
  return lines('sh', '-ec', `cd "$0" && ${SEE}`, path);
}

/** What a container of these layers would see. Needs root. */
export function treeOf(layers: readonly string[]): string[] {
  const lower = [...layers].reverse().join(':');
  // Without a change, a single lower directory is refused.
  const mount = `mount -t tmpfs t /mnt && mkdir /mnt/e /mnt/m && mount -t overlay o -o lowerdir=${lower}:/mnt/e /mnt/m`;
  return lines('unshare', '-m', 'sh', '-ec', `${mount} && cd /mnt/m && ${SEE}`);
}

function lines(program: string, ...args: readonly string[]): string[] {
  return execFileSync(program, args, {
    encoding: 'latin1',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
    .trim()
    .split('\n');
}
