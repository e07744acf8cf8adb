/** Overlays: in memory and in the store. */
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeStore, openStore, removeTree, type Store, temporaryPath } from '../../store/index.ts';
import {
  AT_FDCWD,
  chdir,
  close,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  fsconfig,
  fsmount,
  fsopen,
  hasCode,
  MS_REC,
  MS_SLAVE,
  mkdirat,
  mount,
  type Step,
} from '../../syscalls/index.ts';
import { OVERLAY_REMEDY } from '../engine/restrictions.ts';
import type { Finding } from './fact.ts';
import { refusalOf, tryInNamespaces } from './trial.ts';

const OPTIONS = 'lowerdir=lower,upperdir=upper,workdir=work,volatile,userxattr';

/** Mounts an overlay in a user namespace, with its changes below a directory. */
function tryOverlay(directory: string, before: readonly Step[]): Error | undefined {
  return refusalOf(() =>
    tryInNamespaces(
      ['mount'],
      [
        mount.step('cutting the mounts off from the host', [null, '/', null, MS_REC | MS_SLAVE, null]),
        ...before,
        chdir.step('entering the directory', [directory]),
        ...['lower', 'upper', 'work'].map((name) => {
          return mkdirat.step(`making '${name}'`, [AT_FDCWD, name, 0o755], { onError: { EEXIST: 'next' } });
        }),
        mount.step('mounting an overlay', ['overlay', 'lower', 'overlay', 0, OPTIONS]),
      ],
    ),
  );
}

/** What was answered to mounting an overlay of memory in a user namespace. Pure. */
export function judgeOverlay(refusal: Error | undefined, userNamespaces: Finding): Finding {
  if (refusal === undefined) return { status: 'ok', summary: 'can be mounted' };
  if (userNamespaces.status !== 'ok') {
    return { status: 'missing', summary: 'there are no user namespaces', remedy: userNamespaces.remedy };
  }
  const isAbsent = hasCode(refusal, 'ENODEV');
  return {
    status: 'missing',
    summary: isAbsent ? 'this kernel has no overlayfs' : 'are refused',
    detail: refusal.message,
    remedy: isAbsent ? "'modprobe overlay', as root" : 'Linux 5.11 or later, or run as root',
  };
}

/** A directory that is everywhere. What is mounted there is seen by nobody else. */
const PLACE = '/proc';

/** Overlays in user namespaces. */
export function probeOverlay(userNamespaces: Finding): Finding {
  if (userNamespaces.status !== 'ok') return judgeOverlay(new Error('not tried'), userNamespaces);
  const memory = mount.step('mounting memory', ['tmpfs', PLACE, 'tmpfs', 0, 'mode=700']);
  return judgeOverlay(tryOverlay(PLACE, [memory]), userNamespaces);
}

/** What was answered to making a directory where the store is or is to be, and an overlay in it. Pure. */
export function judgeStore(
  root: string,
  { writing, mounting }: { readonly writing?: Error | undefined; readonly mounting?: Error | 'not tried' | undefined },
): Finding {
  if (writing !== undefined) {
    return {
      status: 'missing',
      summary: `'${root}' cannot be written`,
      detail: writing.message,
      remedy: 'set CAISSON_ROOT to a directory on a disk with room, that you may write',
    };
  }
  if (mounting === 'not tried') return { status: 'ok', summary: `'${root}' can be written` };
  if (mounting === undefined) return { status: 'ok', summary: `'${root}' keeps what containers change` };
  const isAbsent = hasCode(mounting, 'ENODEV');
  return {
    // In memory, containers can keep their changes all the same.
    status: isAbsent ? 'missing' : 'limited',
    summary: `'${root}' cannot keep what containers change`,
    detail: mounting.message,
    remedy: isAbsent ? "'modprobe overlay', as root" : OVERLAY_REMEDY,
  };
}

/**
 * The store, and overlays on its file system, mounted as this user's containers mount theirs.
 * @param canMount whether there is any hope: else it is only looked whether the store can be written
 */
export async function probeStore(privileged: boolean, canMount: boolean): Promise<Finding> {
  const { root } = describeStore();
  let directory: string | undefined;
  try {
    const writing = refusalOf(() => {
      directory = makeDirectory(describeStore());
      return undefined;
    });
    if (directory === undefined) return judgeStore(root, { writing });
    const made = directory;
    if (!canMount) return judgeStore(root, { mounting: 'not tried' });
    for (const name of ['lower', 'upper', 'work']) mkdirSync(join(made, name));
    return judgeStore(root, { mounting: privileged ? refusalOf(() => mountDetached(made)) : tryOverlay(made, []) });
  } finally {
    if (directory !== undefined) await removeTree(directory);
  }
}

/** In the store when there is one, which is swept then; else where it is going to be made, on the same disk. */
function makeDirectory({ root }: Pick<Store, 'root'>): string {
  if (existsSync(join(root, 'oci-layout'))) {
    const path = temporaryPath(openStore());
    mkdirSync(path, { mode: 0o700 });
    return path;
  }
  return mkdtempSync(join(existingParent(root), '.caisson-probe-'));
}

/** The path itself, or the nearest directory above it that is there. */
export function existingParent(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingParent(dirname(path));
}

/** As root, without a user namespace; the mount is attached nowhere, and gone when it is closed. */
function mountDetached(directory: string): undefined {
  const context = fsopen('overlay', FSOPEN_CLOEXEC);
  try {
    const parts = { lowerdir: 'lower', upperdir: 'upper', workdir: 'work' };
    for (const [key, name] of Object.entries(parts)) {
      fsconfig(context, FSCONFIG_SET_STRING, key, join(directory, name), 0);
    }
    fsconfig(context, FSCONFIG_SET_FLAG, 'volatile', null, 0);
    fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 0);
    close(fsmount(context, FSMOUNT_CLOEXEC, 0));
  } finally {
    close(context);
  }
}
