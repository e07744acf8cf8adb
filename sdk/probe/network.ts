/** What networks are made of: the kernel's tables, and the programs that users without root need. */
import { closeSync, constants, openSync } from 'node:fs';
import { findProgram, makeUserNamespace, singleMappings } from '../../store/index.ts';
import {
  AF_NETLINK,
  CLONE_NEWNET,
  callInNamespace,
  close,
  hasCode,
  NETLINK_NETFILTER,
  read,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SyscallError,
  socket,
  unshare,
  write,
} from '../../syscalls/index.ts';
import type { Finding } from './fact.ts';
import { refusalOf } from './trial.ts';

// include/uapi/linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h
const NLM_F_REQUEST = 1;
const NLMSG_ERROR = 2;
const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_NEWGEN = 15;
const NFT_MSG_GETGEN = 16;
/** `struct nlmsghdr` and `struct nfgenmsg`. */
const MESSAGE_BYTES = 16 + 4;

/** Asks nf_tables for the number of its generation: to do so changes nothing. */
export function encodeGenerationRequest(): Buffer {
  const message = Buffer.alloc(MESSAGE_BYTES);
  message.writeUInt32LE(MESSAGE_BYTES, 0);
  message.writeUInt16LE((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETGEN, 4);
  message.writeUInt16LE(NLM_F_REQUEST, 6);
  return message;
}

/** The error number in the answer; 0 when it is the generation. Pure. */
export function errorInAnswer(answer: Buffer): number {
  const type = answer.readUInt16LE(4);
  if (type === ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN)) return 0;
  return type === NLMSG_ERROR ? -answer.readInt32LE(16) : -1;
}

/** What was answered by nf_tables. Pure. */
export function judgeTables(refusal: Error | undefined, program: string | undefined): Finding {
  const detail = program === undefined ? "'nft' is not on the PATH; caisson does without it" : program;
  if (refusal === undefined) return { status: 'ok', summary: 'the kernel has nf_tables', detail };
  if (hasCode(refusal, 'NOT_TRIED')) {
    return { status: 'limited', summary: 'could not be tried without user namespaces', detail };
  }
  return {
    status: 'missing',
    summary: 'the kernel has no nf_tables, or allows none',
    detail: refusal.message,
    remedy: "'modprobe nf_tables', as root; or a kernel built with CONFIG_NF_TABLES",
  };
}

/**
 * nf_tables, asked in this process's network as root, else in one of its own: the kernel answers those only who may
 * change it.
 */
export function probeTables(isRoot: boolean, hasUserNamespaces: boolean): Finding {
  const program = findTool('nft');
  if (!isRoot && !hasUserNamespaces) {
    return judgeTables(Object.assign(new Error('not tried'), { code: 'NOT_TRIED' }), program);
  }
  return judgeTables(
    refusalOf(() => askTables(isRoot ? openNetfilter() : openNetfilterInside())),
    program,
  );
}

const NETFILTER = [AF_NETLINK, SOCK_RAW + SOCK_CLOEXEC + SOCK_NONBLOCK, NETLINK_NETFILTER] as const;

function openNetfilter(): number {
  return socket(...NETFILTER);
}

function openNetfilterInside(): number {
  const namespace = makeUserNamespace(singleMappings());
  try {
    const making = unshare.step('making a network namespace', [CLONE_NEWNET]);
    const opening = socket.step('opening netfilter', NETFILTER);
    const results = callInNamespace(namespace, [making, opening]);
    const failed = results.find((each) => each < 0);
    if (failed !== undefined) throw new SyscallError({ errno: -failed, syscall: 'socket' });
    return results[1] as number;
  } finally {
    closeSync(namespace);
  }
}

/** netlink answers before the call that asks returns. */
function askTables(descriptor: number): Error | undefined {
  try {
    const request = encodeGenerationRequest();
    write(descriptor, request, request.length);
    const answer = Buffer.alloc(4096);
    read(descriptor, answer, answer.length);
    const errno = errorInAnswer(answer);
    return errno === 0 ? undefined : new SyscallError({ errno, syscall: 'nft', purpose: 'asking nf_tables' });
  } finally {
    close(descriptor);
  }
}

/** Which programs there are that connect a network namespace without root. Pure. */
export function judgeUserNetworking(isRoot: boolean, pasta: string | undefined, slirp: string | undefined): Finding {
  if (pasta !== undefined) return { status: 'ok', summary: pasta };
  const remedy = 'install pasta (package passt)';
  if (slirp !== undefined) return { status: 'limited', summary: `${slirp}: slower than pasta`, remedy };
  if (isRoot)
    return { status: 'limited', summary: 'neither pasta nor slirp4netns is on the PATH; root needs neither', remedy };
  return { status: 'missing', summary: 'neither pasta nor slirp4netns is on the PATH', remedy };
}

/** Networks without root. */
export function probeUserNetworking(isRoot: boolean): Finding {
  return judgeUserNetworking(isRoot, findTool('pasta'), findTool('slirp4netns'));
}

/** What came of opening /dev/net/tun. Pure. */
export function judgeTun(refusal: Error | undefined): Finding {
  if (refusal === undefined) return { status: 'ok', summary: "'/dev/net/tun' can be opened" };
  const isAbsent = hasCode(refusal, 'ENOENT', 'ENODEV', 'ENXIO');
  return {
    status: 'missing',
    summary: isAbsent ? "there is no '/dev/net/tun'" : "'/dev/net/tun' cannot be opened",
    detail: refusal.message,
    remedy: isAbsent
      ? "'modprobe tun', as root; in an outer container --device /dev/net/tun"
      : "'chmod 666 /dev/net/tun', as root",
  };
}

/** The device that such programs use; to open it makes nothing yet. */
export function probeTun(): Finding {
  return judgeTun(
    refusalOf(() => {
      closeSync(openSync('/dev/net/tun', constants.O_RDWR));
      return undefined;
    }),
  );
}

/** Also where the programs of administrators are, which is not on everybody's PATH. */
function findTool(name: string): string | undefined {
  return findProgram(name, ['/usr/sbin', '/sbin']);
}
