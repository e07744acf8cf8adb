/** Who the command is: its session, capabilities, groups and ids. The order is the kernel's (man 7 capabilities). */
import {
  _LINUX_CAPABILITY_VERSION_3,
  AT_EMPTY_PATH,
  add,
  CAPABILITIES,
  type Capability,
  capset,
  type Descriptor,
  encodeCapabilities,
  fchownat,
  isKind,
  KEYCTL_JOIN_SESSION_KEYRING,
  keyctl,
  label,
  memory,
  type OnError,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_RAISE,
  PR_CAPBSET_DROP,
  prctl,
  type Step,
  setgroups,
  setresgid,
  setresuid,
  USER_CAP_DATA,
  USER_CAP_HEADER,
  umask,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import type { SpecProcess, SpecUser } from '../spec/spec.ts';
import type { Wiring } from './launch.ts';
import { dieWithOwner } from './prelude.ts';

/** The group id that fchownat(2) takes for the one that is. */
const UNCHANGED = 0xffff_ffff;

/**
 * A session keyring of its own: keyrings are not namespaced. A user may have only so many keys (200 unless root,
 * /proc/sys/kernel/keys/maxkeys); beyond that the container keeps the owner's session keyring, as crun does.
 */
export function joinKeyring(): Step[] {
  const onError = { EDQUOT: 'next', ENOSYS: 'next' };
  return [keyctl.step('joining a session keyring of its own', [KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0], { onError })];
}

/**
 * Becomes the user of a process, with no more capabilities than it may have: the bounding set first, since only a
 * privileged process may drop from it; inheritable and ambient sets empty (CVE-2022-29162).
 *
 * @param process the process as decided
 * @param mayHaveGroups whether setgroups(2) is allowed: in a user namespace of one id it is not
 */
export function becomeUser(process: SpecProcess, mayHaveGroups: boolean, where: string): Step[] {
  const { user, capabilities } = process;
  return [
    ...dropBoundingSet(capabilities, process.lastCapability),
    ...(mayHaveGroups ? [setGroups(user)] : []),
    setresgid.step(`becoming group ${user.gid}`, [user.gid, user.gid, user.gid]),
    setresuid.step(`becoming user ${user.uid}`, [user.uid, user.uid, user.uid]),
    prctl.step('clearing ambient capabilities', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0]),
    setCapabilities(user.uid === 0 ? capabilities : []),
    // Changing ids clears the wish to die with the owner (man 2 PR_SET_PDEATHSIG).
    ...(user.uid === 0 ? [] : dieWithOwner(where)),
    umask.step('setting the umask', [0o022]),
  ];
}

/** Becomes root of a user namespace that was entered with an id of the machine's that is none in it. */
export function becomeRoot(): Step[] {
  return [setresgid.step('becoming group 0', [0, 0, 0]), setresuid.step('becoming user 0', [0, 0, 0])];
}

/**
 * Keeps all capabilities over an execve that would take them away: who has entered a user namespace that does not map his
 * id is not its root (man 7 capabilities). It changes no id, which would make the memory that a clone shares with Node
 * non-dumpable for all of Node.
 */
export function keepCapabilities(): Step[] {
  const header = USER_CAP_HEADER.encode({ version: _LINUX_CAPABILITY_VERSION_3, pid: 0 });
  const all = memory(new Uint8Array(2 * USER_CAP_DATA.size).fill(0xff), [], () => '{all}');
  const capability = variable('capability');
  return [
    capset.step('making all capabilities inheritable', [header, all]),
    add(0, 0, capability),
    // EINVAL: the kernel has no more of them.
    prctl.step('keeping a capability', [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0], {
      label: 'keep',
      onError: { EINVAL: 'kept' },
    }),
    add(capability, 1, capability, { next: 'keep' }),
    label('kept'),
  ];
}

/**
 * Lets a user open his descriptors again, by /dev/stdout and the like: a pipe belongs to who made it, which is root.
 * Only those that were made for this process: others (/dev/null, the owner's own) are not ours to give.
 */
export function giveDescriptors(stdio: Wiring['stdio'], { user }: SpecProcess): Step[] {
  if (user.uid === 0) return [];
  return stdio.flatMap((descriptor, number) => {
    const args = [number, '', user.uid, UNCHANGED, AT_EMPTY_PATH] as const;
    // EPERM: of a pipe of the machine's root, who is nobody in this user namespace. It was given outside (idmap.ts).
    const onError = { EPERM: 'next' };
    return isPipe(descriptor) ? [fchownat.step(`giving descriptor ${number} to the user`, args, { onError })] : [];
  });
}

/** Whether a descriptor was made for the process. */
export function isPipe(descriptor: Descriptor): descriptor is Variable {
  return descriptor !== 'null' && isKind(descriptor, 'variable');
}

/** By number, since a kernel may have capabilities that have no name here yet: those are dropped too. */
function dropBoundingSet(kept: readonly Capability[], lastCapability: number): Step[] {
  const numbers = new Set<number>(kept.map((name) => CAPABILITIES[name]));
  const names = new Map<number, string>(Object.entries(CAPABILITIES).map(([name, number]) => [number, name]));
  return Array.from({ length: lastCapability + 1 }, (_, capability) => capability)
    .filter((capability) => !numbers.has(capability))
    .map((capability) => {
      const name = names.get(capability) ?? `capability ${capability}`;
      return prctl.step(`dropping ${name}`, [PR_CAPBSET_DROP, capability, 0, 0, 0]);
    });
}

function setGroups({ gid, additionalGids }: SpecUser): Step {
  const groups = Uint32Array.from(new Set([gid, ...additionalGids]));
  const list = memory(new Uint8Array(groups.buffer), [], () => `[${[...groups].join(', ')}]`);
  return setgroups.step('setting supplementary groups', [groups.length, list]);
}

/** Leaves the process these capabilities, and none to what it executes. Who lacks one of them gets EPERM. */
export function setCapabilities(names: readonly Capability[], onError?: OnError): Step {
  const header = USER_CAP_HEADER.encode({ version: _LINUX_CAPABILITY_VERSION_3, pid: 0 });
  const { bytes } = encodeCapabilities({ effective: names, permitted: names, inheritable: [] });
  const sets = memory(bytes, [], () => `{${names.join('|')}}`);
  return capset.step('setting capabilities', [header, sets], { onError });
}
