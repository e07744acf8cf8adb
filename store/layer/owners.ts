/**
 * Whom what is unpacked belongs to. Root gives it to anybody. A user with subordinate ids makes everything his own
 * first, which in containers is 0:0, and gives away what belongs to others: in the user namespace that has those ids,
 * and many at a time, since to go there takes as long as a hundred system calls. Other users can give nothing away.
 */
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  type CallStep,
  callInNamespace,
  close,
  F_DUPFD_CLOEXEC,
  fchmod,
  fchownat,
  fcntl,
  fsetxattr,
  hasCode,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_PATH,
  openat,
  SyscallError,
} from '../../syscalls/index.ts';
import { formatIds, isMapped, type OwnIds } from '../ids/index.ts';
import type { Attributes, Losses, Target } from './attributes.ts';
import { toBytes } from './tree.ts';

/** How what is unpacked gets its owners. */
export interface Owners {
  /** Whether this is root of the machine, who may also make devices and set any attribute. */
  readonly isRoot: boolean;
  /** To be called for each thing that is unpacked, before it gets its mode and attributes: a change of owner costs some. */
  before(target: Target, of: Attributes): void;
  /** Whether an attribute is set by `after`. */
  defers(attribute: string): boolean;
  /** To be called for each when it has its mode and attributes. From here on it may be closed to this process. */
  after(target: Target, of: Attributes): void;
  /** Gives away what is still to be given. */
  finish(): void;
  /** Lets go of what was not given. */
  close(): void;
}

/** An owner, by number. */
type Owner = Pick<Attributes, 'uid' | 'gid'>;

/**
 * The owners that these ids can give; the others are losses.
 * @param fresh the owner of what is new, where that is known: it need not be given
 */
export function openOwners(ids: OwnIds, losses: Losses, fresh?: Owner): Owners {
  const nothing = { defers: () => false, before() {}, after() {}, finish() {}, close() {} };
  if (ids.kind === 'all') {
    const before = (target: Target, of: Attributes) => {
      if (of.uid !== fresh?.uid || of.gid !== fresh.gid) own(target, of);
    };
    return { ...nothing, isRoot: true, before };
  }
  if (ids.kind === 'subordinate') return { ...nothing, isRoot: false, ...giveAway(ids, losses) };
  const note = (_: Target, of: Attributes) => {
    if (of.uid !== 0 || of.gid !== 0) losses.addOwner(of, ids.reason);
  };
  return { ...nothing, isRoot: false, before: note };
}

function own(target: Target, { uid, gid }: Attributes): void {
  if ('fd' in target) fchownat(target.fd, '', uid, gid, AT_EMPTY_PATH);
  else fchownat(target.directory.fd, toBytes(target.name), uid, gid, AT_SYMLINK_NOFOLLOW);
}

/** How many calls are made at a time. */
const BATCH = 96;

/** File capabilities, which only root of a user namespace sets, and a change of owner takes away. */
const CAPABILITY = 'security.capability';

/** Set-user-ID and set-group-ID, which a change of owner takes from a file. */
const SPECIAL_BITS = 0o6000;

function giveAway(
  { mappings, namespace }: Extract<OwnIds, { kind: 'subordinate' }>,
  losses: Losses,
): Pick<Owners, 'defers' | 'after' | 'finish' | 'close'> {
  let calls: CallStep[] = [];
  const descriptors: number[] = [];

  function closeAll(): void {
    for (const fd of descriptors.splice(0)) close(fd);
  }

  function flush(): void {
    const results = callInNamespace(namespace, calls);
    for (const [index, result] of results.entries()) check(result, calls[index] as CallStep, losses);
    calls = [];
    closeAll();
  }

  return {
    defers: (attribute) => attribute === CAPABILITY,
    after(target, of) {
      const uid = isMapped(of.uid, mappings.uid) ? of.uid : 0;
      const gid = isMapped(of.gid, mappings.gid) ? of.gid : 0;
      if (uid !== of.uid || gid !== of.gid) {
        losses.addOwner(of, `there are uids ${formatIds(mappings.uid)} and gids ${formatIds(mappings.gid)}`);
      }
      const capability = of.xattrs.get(CAPABILITY);
      if (uid === 0 && gid === 0 && capability === undefined) return;
      const fd = openAgain(target);
      descriptors.push(fd);
      calls.push(fchownat.step(`giving a file to ${uid}:${gid}`, [fd, '', uid, gid, AT_EMPTY_PATH]));
      if ('fd' in target && (of.mode & SPECIAL_BITS) !== 0) {
        calls.push(fchmod.step('setting the mode of a file that was given away', [fd, of.mode]));
      }
      if (capability !== undefined)
        calls.push(fsetxattr.step(CAPABILITY, [fd, CAPABILITY, capability, capability.length, 0]));
      if (calls.length >= BATCH) flush();
    },
    finish: flush,
    close: closeAll,
  };
}

/** What was unpacked is closed, and its name may be another's, before it is its turn. */
function openAgain(target: Target): number {
  if ('fd' in target) return fcntl(target.fd, F_DUPFD_CLOEXEC, 0);
  return openat(target.directory.fd, toBytes(target.name), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
}

function check(result: number, { call, purpose }: CallStep, losses: Losses): void {
  if (result >= 0) return;
  const error = new SyscallError({ errno: -result, syscall: call.syscall, purpose });
  if (purpose !== CAPABILITY || !hasCode(error, 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'EBADF')) throw error;
  losses.add(`attributes '${CAPABILITY}' left out: they cannot be set here`);
}
