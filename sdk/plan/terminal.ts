/** A terminal of the container's own devpts, its master handed to the owner. */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  CMSGHDR,
  close,
  dup3,
  fchownat,
  IOVEC,
  ioctl,
  type Memory,
  MS_BIND,
  MSGHDR,
  makedev,
  memory,
  mknodat,
  mount,
  O_CLOEXEC,
  O_NOCTTY,
  O_RDWR,
  OPEN_HOW,
  openat2,
  RESOLVE_NO_MAGICLINKS,
  S_IFREG,
  SCM_RIGHTS,
  SOL_SOCKET,
  type Step,
  sendmsg,
  setsid,
  TIOCGPTPEER,
  TIOCSCTTY,
  TIOCSPTLCK,
  TIOCSWINSZ,
  variable,
  WINSIZE,
} from '../../syscalls/index.ts';
import { makesNamespace, type Spec, type SpecProcess } from '../spec/spec.ts';
import { FIRST_EXTRA_DESCRIPTOR } from './launch.ts';

/** The stub's end of the socket that the master goes through. */
const TERMINAL_SOCKET = FIRST_EXTRA_DESCRIPTOR;

/** A number of our choosing, so that the message that carries the master can be written beforehand. */
const MASTER = 10;

/** Where a terminal of a container appears to be the machine's. */
const CONSOLE = '/dev/console';

/**
 * Opens a terminal in the container's /dev/pts, sends its master through {@link TERMINAL_SOCKET} and makes its other
 * side descriptors 0, 1 and 2. The slave is opened through the master (TIOCGPTPEER) and never by a path that the
 * container could have replaced (CVE-2025-52565, CVE-2026-88264).
 *
 * @param device what gives terminals
 */
export function openTerminal({ consoleSize, user }: SpecProcess, device = '/dev/pts/ptmx'): Step[] {
  const opened = variable('terminal master');
  const slave = variable('terminal');
  const how = OPEN_HOW.encode({ flags: O_RDWR | O_NOCTTY | O_CLOEXEC, resolve: RESOLVE_NO_MAGICLINKS });
  const size = WINSIZE.encode({ ws_row: consoleSize?.height ?? 24, ws_col: consoleSize?.width ?? 80 });
  return [
    openat2.step('opening a terminal', [AT_FDCWD, device, how, OPEN_HOW.size], { into: opened }),
    dup3.step('numbering the terminal', [opened, MASTER, O_CLOEXEC]),
    ioctl.step('unlocking the terminal', [MASTER, TIOCSPTLCK, memory(new Uint8Array(4), [], () => '[0]')]),
    ioctl.step('sizing the terminal', [MASTER, TIOCSWINSZ, size]),
    ioctl.step('opening the other side of the terminal', [MASTER, TIOCGPTPEER, BigInt(O_RDWR | O_NOCTTY)], {
      into: slave,
    }),
    fchownat.step('giving the terminal to the user', [slave, '', user.uid, user.gid, AT_EMPTY_PATH]),
    sendmsg.step('handing over the terminal', [TERMINAL_SOCKET, descriptorMessage(MASTER), 0]),
    ...[0, 1, 2].map((descriptor) => dup3.step(`setting descriptor ${descriptor}`, [slave, descriptor, 0])),
    ...[opened, slave, MASTER, TERMINAL_SOCKET].map((descriptor) => close.step('closing a descriptor', [descriptor])),
  ];
}

/** What gives terminals to a container's processes: its own devpts, or the machine's, which may be opened by that name only. */
export function terminalDevice(spec: Pick<Spec, 'linux'>): string {
  return makesNamespace(spec, 'mount') ? '/dev/pts/ptmx' : '/dev/ptmx';
}

/** Shows the first terminal of a fresh devpts as /dev/console too. */
export function bindConsole(): Step[] {
  return [
    mknodat.step(`making ${CONSOLE}`, [AT_FDCWD, CONSOLE, S_IFREG | 0o600, makedev(0, 0)]),
    mount.step(`binding ${CONSOLE}`, ['/dev/pts/0', CONSOLE, null, MS_BIND, null]),
  ];
}

/** A session of its own, so that the owner's terminal cannot be reached (TIOCSTI), with the process's own terminal. */
export function startSession({ terminal }: SpecProcess): Step[] {
  return [
    setsid.step('starting a session', []),
    ...(terminal ? [ioctl.step('taking the terminal', [0, TIOCSCTTY, 0n])] : []),
  ];
}

/** One byte that carries a descriptor (man 3 cmsg). */
function descriptorMessage(descriptor: number): Memory {
  const control = new Uint8Array(24);
  control.set(CMSGHDR.encode({ cmsg_len: CMSGHDR.size + 4, cmsg_level: SOL_SOCKET, cmsg_type: SCM_RIGHTS }).bytes);
  new DataView(control.buffer).setInt32(CMSGHDR.size, descriptor, true);
  const byte = IOVEC.encode({ iov_base: new Uint8Array(1), iov_len: 1 });
  return MSGHDR.encode({
    msg_iov: byte,
    msg_iovlen: 1,
    msg_control: memory(control, [], () => `SCM_RIGHTS[${descriptor}]`),
    msg_controllen: control.length,
  });
}
