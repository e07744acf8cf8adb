/** What this machine can do for this user, and what to change for the rest. */

import { describeStore, isMachineRoot } from '../../store/index.ts';
import { CAPABILITIES } from '../../syscalls/index.ts';
import { readSetting } from '../engine/restrictions.ts';
import { judgeFreezer, judgeGroups, readGroups } from './cgroups.ts';
import { type FactName, type Finding, makeProbe, NEEDED_FOR, type Probe } from './fact.ts';
import { probeIdmap, probeIds } from './ids.ts';
import { probeCalls, probeKernel, probeSeccomp } from './kernel.ts';
import { hasCapability, probeLimits } from './limits.ts';
import { probeKoffi, probeMemfd } from './memory.ts';
import { probeAppArmor, probeTimeNamespaces, probeUserNamespaces } from './namespaces.ts';
import { probeTables, probeTun, probeUserNetworking } from './network.ts';
import { existingParent, probeOverlay, probeStore } from './overlay.ts';

export type { Fact, FactName, FactStatus, Finding, Probe } from './fact.ts';
export { formatProbe } from './format.ts';

type Findings = Record<FactName, Finding>;

/**
 * Looks at what this machine can do, by trying it where no setting tells for certain. Nothing is left behind; it takes
 * some thirty milliseconds, in which this thread does nothing else.
 */
export async function probe(): Promise<Probe> {
  const status = readSetting('/proc/self/status');
  const isRoot = process.platform === 'linux' && isMachineRoot();
  const privileged = isRoot && hasCapability(status, CAPABILITIES.CAP_SYS_ADMIN);
  const always = ['koffi', 'kernel', 'system-calls', 'executable-memfd', 'store'] as const;
  const withoutRoot = ['user-namespaces', 'overlay-in-user-namespaces'] as const;
  const required = new Set<FactName>(privileged ? always : [...always, ...withoutRoot]);
  const basis = { koffi: probeKoffi(), kernel: probeKernel() };
  const canTry = Object.values(basis).every((each) => each.status !== 'missing');
  return makeProbe({ ...(canTry ? await tryAll(privileged, isRoot, status) : notTried()), ...basis }, required);
}

type Tried = Omit<Findings, 'koffi' | 'kernel'>;

async function tryAll(privileged: boolean, isRoot: boolean, status: string): Promise<Tried> {
  const users = probeUserNamespaces(isRoot);
  const hasUsers = users.status === 'ok';
  const overlay = probeOverlay(users);
  const groups = readGroups();
  return {
    'system-calls': probeCalls(),
    'executable-memfd': probeMemfd(),
    'user-namespaces': users,
    apparmor: probeAppArmor(users),
    'subordinate-ids': probeIds(),
    'overlay-in-user-namespaces': overlay,
    store: await probeStore(privileged, privileged || overlay.status === 'ok'),
    'idmapped-mounts': probeIdmap(privileged, existingParent(describeStore().root)),
    'time-namespaces': probeTimeNamespaces(),
    cgroups: judgeGroups(groups),
    freezer: judgeFreezer(groups),
    'resource-limits': probeLimits(isRoot, status),
    seccomp: probeSeccomp(status),
    nftables: probeTables(privileged, hasUsers),
    'user-networking': probeUserNetworking(privileged),
    tun: probeTun(),
  };
}

/** Without koffi, or on another kernel, there is nothing to try with. */
function notTried(): Findings {
  const names = Object.keys(NEEDED_FOR) as FactName[];
  const finding: Finding = { status: 'missing', summary: 'not tried: no system calls can be made here' };
  return Object.fromEntries(names.map((name) => [name, finding])) as Findings;
}
