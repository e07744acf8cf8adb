/** man 2 socket, socketpair, bind, connect, sendmsg, recvmsg, man 3 cmsg, man 7 netdevice: sockets, and descriptors sent over them. */
import { define } from './define.ts';
import { type Bytes, type Memory, memory } from './memory.ts';
import { oneOf } from './names.ts';
import { struct } from './struct.ts';

// include/linux/socket.h (the kernel's own), sys/socket.h
export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const AF_VSOCK = 40;

// include/linux/net.h (the kernel's own), sys/socket.h
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o200_0000;

export const SCM_RIGHTS = 1;
export const SCM_CREDENTIALS = 2;

export const MSG_PEEK = 0x2;
export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_WAITALL = 0x100;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x4000_0000;

// include/uapi/asm-generic/socket.h
export const SOL_SOCKET = 1;

// include/uapi/linux/netlink.h
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

// include/uapi/linux/sockios.h: operations of ioctl(2) on any socket, with an IFREQ
export const SIOCGIFFLAGS = 0x8913;
/** Needs CAP_NET_ADMIN in the user namespace of the network namespace. */
export const SIOCSIFFLAGS = 0x8914;

// include/uapi/linux/if.h
export const IFNAMSIZ = 16;
export const IFF_UP = 0x1;
export const IFF_LOOPBACK = 0x8;
export const IFF_RUNNING = 0x40;

const FAMILIES = oneOf({ AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK });
const MESSAGE_FLAGS = { MSG_PEEK, MSG_CTRUNC, MSG_TRUNC, MSG_DONTWAIT, MSG_WAITALL, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC };

/** include/uapi/linux/uio.h: a piece of a message. */
export const IOVEC = struct('iovec', { iov_base: 'pointer', iov_len: 'u64' });

/** include/linux/socket.h (the kernel's own, `struct user_msghdr`), sys/socket.h: `msg_iov` is an array of {@link IOVEC}. */
export const MSGHDR = struct('msghdr', {
  msg_name: 'pointer',
  msg_namelen: 'u32',
  msg_iov: 'pointer',
  msg_iovlen: 'u64',
  msg_control: 'pointer',
  msg_controllen: 'u64',
  msg_flags: 'u32',
});

/** include/linux/socket.h (the kernel's own), sys/socket.h: the head of a control message; its data follow. */
export const CMSGHDR = struct('cmsghdr', { cmsg_len: 'u64', cmsg_level: 'i32', cmsg_type: 'i32' });

/** include/uapi/linux/un.h. An abstract name begins with a NUL: give it as bytes. */
export const SOCKADDR_UN = struct('sockaddr_un', { sun_family: 'u16', sun_path: 'u8[108]' });

/** include/uapi/linux/in.h. Port and address are in network byte order. */
export const SOCKADDR_IN = struct('sockaddr_in', {
  sin_family: 'u16',
  sin_port: 'u8[2]',
  sin_addr: 'u8[4]',
  sin_zero: 'u8[8]',
});

/** include/uapi/linux/in6.h. Port and address are in network byte order. */
export const SOCKADDR_IN6 = struct('sockaddr_in6', {
  sin6_family: 'u16',
  sin6_port: 'u8[2]',
  sin6_flowinfo: 'u32',
  sin6_addr: 'u8[16]',
  sin6_scope_id: 'u32',
});

/** include/uapi/linux/netlink.h. */
export const SOCKADDR_NL = struct('sockaddr_nl', { nl_family: 'u16', nl_pad: 'u16', nl_pid: 'u32', nl_groups: 'u32' });

/** include/uapi/linux/if.h, in its form for SIOCGIFFLAGS and SIOCSIFFLAGS. `ifr_flags` are IFF_*. */
export const IFREQ = struct(
  'ifreq',
  { ifr_name: 'u8[16]', ifr_flags: 'i16', _rest: 'u8[22]' },
  { ifr_flags: { IFF_UP, IFF_LOOPBACK, IFF_RUNNING } },
);

/** The length in bytes of a control message that carries so many descriptors: what `msg_controllen` must have room for. */
export function rightsLength(count: number): number {
  return CMSGHDR.size + Math.ceil((count * 4) / 8) * 8;
}

/** The control message that sends descriptors: for `msg_control`. man 7 unix, SCM_RIGHTS. */
export function encodeRights(descriptors: readonly number[]): Memory {
  const bytes = new Uint8Array(rightsLength(descriptors.length));
  const cmsg_len = CMSGHDR.size + descriptors.length * 4;
  bytes.set(CMSGHDR.encode({ cmsg_len, cmsg_level: SOL_SOCKET, cmsg_type: SCM_RIGHTS }).bytes);
  bytes.set(new Uint8Array(Int32Array.from(descriptors).buffer), CMSGHDR.size);
  return memory(bytes, [], () => `SCM_RIGHTS[${descriptors.join(', ')}]`);
}

/** The descriptors that recvmsg(2) put into the buffer of `msg_control`, of its first control message. They are the caller's. */
export function decodeRights(control: Uint8Array): number[] {
  const { cmsg_len, cmsg_level, cmsg_type } = CMSGHDR.decode(control);
  if (cmsg_level !== SOL_SOCKET || cmsg_type !== SCM_RIGHTS) return [];
  const view = new DataView(control.buffer, control.byteOffset, control.byteLength);
  const count = (Number(cmsg_len) - CMSGHDR.size) / 4;
  return Array.from({ length: count }, (_, index) => view.getInt32(CMSGHDR.size + index * 4, true));
}

/** Makes a socket. man 2 socket. SOCK_RAW and AF_PACKET need CAP_NET_RAW. */
export const socket = define<[domain: number, type: number, protocol: number]>(
  'int socket(int domain, int type, int protocol)',
  { x64: 41, arm64: 198 },
  { domain: FAMILIES },
);

/** Makes two connected sockets; writes their descriptors, two 32-bit integers. man 2 socketpair. */
export const socketpair = define<[domain: number, type: number, protocol: number, sv: Bytes]>(
  'int socketpair(int domain, int type, int protocol, int sv[2])',
  { x64: 53, arm64: 199 },
  { domain: FAMILIES },
);

/** Gives a socket its address. man 2 bind. */
export const bind = define<[sockfd: number, addr: Bytes, addrlen: number]>(
  'int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen)',
  { x64: 49, arm64: 200 },
);

/**
 * Connects a socket to an address. man 2 connect. EINPROGRESS: it goes on, on a socket that does not block; once that is
 * writable, the same call says how it ended.
 */
export const connect = define<[sockfd: number, addr: Bytes, addrlen: number]>(
  'int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen)',
  { x64: 42, arm64: 203 },
);

/** Sends a message, a {@link MSGHDR}, with control messages; returns how many bytes of data. man 2 sendmsg. */
export const sendmsg = define<[sockfd: number, msg: Bytes, flags: number]>(
  'ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags)',
  { x64: 46, arm64: 211 },
  { flags: MESSAGE_FLAGS },
);

/** Receives a message into a {@link MSGHDR}'s buffers; returns how many bytes of data, 0 at the end. man 2 recvmsg. */
export const recvmsg = define<[sockfd: number, msg: Bytes, flags: number]>(
  'ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags)',
  { x64: 47, arm64: 212 },
  { flags: MESSAGE_FLAGS },
);

/** Receives into `buf`; returns how many bytes, 0 at the end. The sender's address is written to `src_addr`. man 2 recvfrom. */
export const recvfrom = define<
  [sockfd: number, buf: Bytes, len: number, flags: number, src_addr: Bytes | null, addrlen: Bytes | null]
>(
  'ssize_t recvfrom(int sockfd, void *buf, size_t len, int flags, struct sockaddr *src_addr, socklen_t *addrlen)',
  { x64: 45, arm64: 207 },
  { flags: MESSAGE_FLAGS },
);
