/** User and time namespaces, and what forbids them. */
import { CLONE_NEWTIME, hasCode, MS_REC, MS_SLAVE, mount, sethostname, unshare } from '../../syscalls/index.ts';
import { findRestriction, OUTER_RESTRICTION, readSetting } from '../engine/restrictions.ts';
import type { Finding } from './fact.ts';
import { refusalOf, tryInNamespaces } from './trial.ts';

/** Makes user namespaces as containers do, and uses the rights that they are to give. */
function tryUserNamespaces(): Error | undefined {
  return refusalOf(() =>
    tryInNamespaces(
      ['mount', 'uts'],
      [
        mount.step('using its rights over mounts', [null, '/', null, MS_REC | MS_SLAVE, null]),
        sethostname.step('using its rights over names', ['caisson', 'caisson'.length]),
      ],
    ),
  );
}

/**
 * What was answered to {@link tryUserNamespaces}. Pure.
 * @param isRoot whether this is root of the machine, whom few settings stop
 * @param setting gives the text of a file of /proc
 */
export function judgeUserNamespaces(
  refusal: Error | undefined,
  isRoot: boolean,
  setting: (file: string) => string,
): Finding {
  if (refusal === undefined) return { status: 'ok', summary: 'can be made, and give their rights' };
  const found = findRestriction(isRoot, setting);
  return {
    status: 'missing',
    summary: found?.what ?? 'cannot be made',
    detail: refusal.message,
    remedy: found?.remedy ?? OUTER_RESTRICTION,
  };
}

/** User namespaces of this machine. */
export function probeUserNamespaces(isRoot: boolean): Finding {
  return judgeUserNamespaces(tryUserNamespaces(), isRoot, readSetting);
}

const APPARMOR = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';

/**
 * What AppArmor does about user namespaces. Pure.
 * @param enabled /sys/module/apparmor/parameters/enabled
 * @param setting the text of the sysctl, '' when there is none
 * @param userNamespaces what was found of them: a profile may allow what the setting forbids
 */
export function judgeAppArmor(enabled: string, setting: string, userNamespaces: Finding): Finding {
  if (!enabled.startsWith('Y')) return { status: 'ok', summary: 'AppArmor is not in use' };
  if (!setting.startsWith('1')) return { status: 'ok', summary: 'it does not restrict user namespaces' };
  if (userNamespaces.status === 'ok') {
    return { status: 'ok', summary: 'it restricts user namespaces, but not for this process' };
  }
  const found = findRestriction(false, (file) => (file === APPARMOR ? setting : ''));
  return { status: 'missing', summary: 'it takes all rights away in user namespaces', remedy: found?.remedy };
}

/** AppArmor's restriction. */
export function probeAppArmor(userNamespaces: Finding): Finding {
  return judgeAppArmor(readSetting('/sys/module/apparmor/parameters/enabled'), readSetting(APPARMOR), userNamespaces);
}

/** What was answered to making a time namespace in a user namespace. Pure. */
export function judgeTimeNamespaces(refusal: Error | undefined): Finding {
  if (refusal === undefined) return { status: 'ok', summary: 'can be made' };
  const isUnknown = hasCode(refusal, 'EINVAL');
  return {
    status: 'missing',
    summary: isUnknown ? 'this kernel has none' : 'cannot be made',
    detail: refusal.message,
    remedy: isUnknown ? 'Linux 5.6 or later, built with CONFIG_TIME_NS' : 'what user namespaces need',
  };
}

/** Time namespaces. */
export function probeTimeNamespaces(): Finding {
  const step = unshare.step('making a time namespace', [CLONE_NEWTIME]);
  return judgeTimeNamespaces(refusalOf(() => tryInNamespaces([], [step])));
}
