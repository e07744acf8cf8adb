/** Under which circumstances something is measured, and the directories it happens in. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from './harness.ts';
import { compileLimit } from './limit.ts';
import { findProgram, runNow } from './processes.ts';

/** One combination of circumstances. */
export interface Setting {
  readonly network: 'none' | 'host';
  readonly upper: 'disk' | 'tmpfs';
  readonly rootless: boolean;
  readonly workspace: Workspace;
}

/** Directories of the bench's own; both are removed at its end. */
export interface Workspace {
  /** A directory on a disk, and one in memory. */
  readonly disk: string;
  readonly tmpfs: string;
  /** A root file system made of busybox. */
  readonly rootfs: string;
  /** The compiled limit, or why there is none. */
  readonly limit: { readonly program: string } | { readonly problem: string };
}

/** The unprivileged user that root's rootless part runs as: `nobody` nearly everywhere. */
export const NOBODY = 65534;

const TMPFS_MAGIC = 0x01021994;
const APPLETS = ['sh', 'true', 'sleep', 'dd', 'cat', 'ls', 'ps', 'mount'];

/** Makes the directories. @throws when busybox is not installed: nobody could be measured */
export function createWorkspace(): Workspace {
  const disk = mkdtempSync(join(diskDirectory(), 'caisson-bench-'));
  const tmpfs = mkdtempSync('/dev/shm/caisson-bench-');
  // Open for the rootless part, which is another user.
  for (const directory of [disk, tmpfs]) chmodSync(directory, 0o711);
  const rootfs = join(disk, 'rootfs');
  buildRootfs(rootfs);
  return { disk, tmpfs, rootfs, limit: tryToCompileLimit(disk) };
}

/** A part of the workspace that an unprivileged user owns. */
export function workspaceFor(workspace: Workspace, user: number): Workspace {
  const give = (parent: string) => {
    const directory = join(parent, 'rootless');
    mkdirSync(directory, { mode: 0o755 });
    chownSync(directory, user, user);
    return directory;
  };
  return { ...workspace, disk: give(workspace.disk), tmpfs: give(workspace.tmpfs) };
}

/** Removes the directories, also after a failure that left something in them. */
export function removeWorkspace(workspace: Workspace): void {
  for (const directory of [workspace.disk, workspace.tmpfs]) {
    try {
      // An overlay's work directory has mode 0, which stops everyone but root.
      if (process.getuid?.() !== 0) runNow(['chmod', '-R', 'u+rwx', directory]);
      rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      console.error(`${directory}: left behind: ${reasonOf(error)}`);
    }
  }
}

/** The directory for temporary files, unless that is in memory. */
export function diskDirectory(): string {
  return statfsSync(tmpdir()).type === TMPFS_MAGIC ? '/var/tmp' : tmpdir();
}

/** Everyone else can be measured without it; the limit's own row says why it was not. */
function tryToCompileLimit(directory: string): Workspace['limit'] {
  try {
    return { program: compileLimit(directory) };
  } catch (error) {
    return { problem: `not compiled: ${reasonOf(error)}` };
  }
}

function buildRootfs(root: string): void {
  for (const name of ['', 'bin', 'dev', 'etc', 'proc', 'root', 'run', 'sys', 'tmp', 'usr']) {
    mkdirSync(join(root, name), { mode: 0o755 });
  }
  let busybox: string;
  try {
    busybox = findProgram('busybox');
  } catch {
    throw new Error("busybox is not installed: the bench's containers are made of it (Debian: busybox-static)");
  }
  copyFileSync(busybox, join(root, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  // Where a container's own are mounted.
  for (const name of ['hosts', 'hostname', 'resolv.conf']) writeFileSync(join(root, 'etc', name), '');
}
