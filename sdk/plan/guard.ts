/**
 * A guard: ends a thread's containers when the thread, or all of its process, has ended, however that was.
 *
 * A container's first process asks to die with its owner (prelude.ts), but the kernel forgets the wish when the process
 * changes its ids, as gosu, su-exec and setuid programs do (man 2 PR_SET_PDEATHSIG; commit_creds in kernel/cred.c). The
 * guard changes nothing, and keeps the wish: it holds a pidfd of each first process that may do so.
 *
 *     owner ──[slot, end of the slots]{pidfd}──▶ guard: the slot has that process
 *           ──[slot, end of the slots]──────────▶ the slot is free
 *           ──end of file, or END_SIGNAL────────▶ SIGKILL through every slot, and exit
 */
import {
  add,
  and,
  chdir,
  close,
  close_range,
  dup3,
  equal,
  exit_group,
  jump,
  label,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  memory,
  mmap,
  O_CLOEXEC,
  POLLFD,
  POLLIN,
  PR_SET_DUMPABLE,
  PR_SET_NAME,
  PR_SET_PDEATHSIG,
  PROT_READ,
  PROT_WRITE,
  pidfd_send_signal,
  ppoll,
  prctl,
  REPORT_DESCRIPTOR,
  read,
  recvmsg,
  rt_sigprocmask,
  SFD_CLOEXEC,
  SFD_NONBLOCK,
  SIG_SETMASK,
  type Step,
  setsid,
  signalfd4,
  signalSet,
  variable,
} from '../../syscalls/index.ts';
import { CONTROL_MESSAGE, GUARD_MEMORY, HEADER, MESSAGE, SIGNALS } from './guard-memory.ts';
import { FIRST_EXTRA_DESCRIPTOR, launchSteps } from './launch.ts';
import { type Plan, planOf } from './plan.ts';
import { ALL_SIGNALS, END_SIGNAL, SIGKILL, SIGSET_SIZE } from './signals.ts';

/** Of the launch: the guard's end of a SOCK_SEQPACKET socket. The owner has the only other one. */
export const GUARD_SOCKET = variable('socket of the guard');

const SOCKET_DESCRIPTOR = FIRST_EXTRA_DESCRIPTOR;
const SIGNALS_DESCRIPTOR = SOCKET_DESCRIPTOR + 1;

/** The first number that an owner may give to a process. The kernel's own choices, the lowest free, stay below. */
export const FIRST_GUARDED = 16;

/** The one signal that it looks for, as a sigset_t. All others wait for ever: only SIGKILL and its owner end a guard. */
const OWNER_ENDED = memory(signalSet([END_SIGNAL]), [], () => `[${END_SIGNAL}]`);

/** `-EAGAIN`, as a step's result has it. */
const NOTHING_THERE = -11;

/** Plans a guard. It is in no namespace but the owner's. */
export function planGuard(): Plan {
  const nothingNew = { namespaces: [], uidMappings: [], gidMappings: [] };
  return planOf({
    launch: launchSteps(nothingNew, ['null', 'null', 'null'], [GUARD_SOCKET]),
    stub: [...standAside(), ...serve(), ...endAll()],
  });
}

/** Nothing that ends the owner's session, group or directory concerns it. What can be too late is told by the socket's end. */
function standAside(): Step[] {
  const room = [GUARD_MEMORY.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED] as const;
  const name = memory(Buffer.from('caisson-guard\0'), [], () => '"caisson-guard"');
  return [
    rt_sigprocmask.step('blocking signals', [SIG_SETMASK, ALL_SIGNALS, null, SIGSET_SIZE]),
    // The end of a thread closes nothing: this is how it is noticed where the process goes on.
    prctl.step('asking to be told of the end of the owner', [PR_SET_PDEATHSIG, END_SIGNAL, 0, 0, 0]),
    prctl.step('becoming non-dumpable', [PR_SET_DUMPABLE, 0, 0, 0, 0]),
    prctl.step('naming the guard', [PR_SET_NAME, name, 0, 0, 0]),
    setsid.step('starting a session', []),
    chdir.step("leaving the owner's directory", ['/']),
    close_range.step('closing all other descriptors', [SIGNALS_DESCRIPTOR, 0xffff_ffff, 0]),
    signalfd4.step('opening the signal', [-1, OWNER_ENDED, SIGSET_SIZE, SFD_CLOEXEC | SFD_NONBLOCK]),
    mmap.step('making room', [BigInt(GUARD_MEMORY.address), ...room, -1, 0]),
    add(HEADER.iovec.address, 0, HEADER.iov),
    add(1, 0, HEADER.iovlen),
    add(CONTROL_MESSAGE.address, 0, HEADER.control),
    add(MESSAGE.address, 0, HEADER.iovec.base),
    add(MESSAGE.bytes, 0, HEADER.iovec.length),
    add(FIRST_GUARDED, 0, MESSAGE.end),
    close.step('telling that it is ready', [REPORT_DESCRIPTOR]),
  ];
}

/** What was sent before the owner's end is received before anything is ended. */
function serve(): Step[] {
  const [signal, received, guarded] = [variable('signal'), variable('received'), variable('received pidfd')];
  const polled = POLLFD.array([
    { fd: SOCKET_DESCRIPTOR, events: POLLIN },
    { fd: SIGNALS_DESCRIPTOR, events: POLLIN },
  ]);
  return [
    ppoll.step('waiting for the owner', [polled, 2, null, null, SIGSET_SIZE], { label: 'wait', onError: 'next' }),
    read.step('looking for the end of the owner', [SIGNALS_DESCRIPTOR, BigInt(SIGNALS.address), SIGNALS.bytes], {
      into: signal,
      onError: 'next',
    }),
    // The kernel writes there how much it has used.
    add(CONTROL_MESSAGE.bytes, 0, HEADER.controllen, { label: 'receive' }),
    recvmsg.step('receiving', [SOCKET_DESCRIPTOR, BigInt(HEADER.address), MSG_DONTWAIT | MSG_CMSG_CLOEXEC], {
      into: received,
      onError: 'nothing more',
    }),
    equal(received, 0, { next: 'end' }),
    close.step('letting go of who was there', [MESSAGE.slot], { onError: 'next' }),
    equal(HEADER.controllen, CONTROL_MESSAGE.bytes, { otherwise: 'receive' }),
    and(CONTROL_MESSAGE.descriptor, 0xffff_ffff, guarded),
    dup3.step('holding a process', [guarded, MESSAGE.slot, O_CLOEXEC], { onError: 'next' }),
    close.step('closing the original', [guarded], { next: 'receive', onError: 'receive' }),
    equal(signal, NOTHING_THERE, { label: 'nothing more', next: 'wait', otherwise: 'end' }),
  ];
}

/** Those that have ended are nobody else: a pidfd stays its process's. */
function endAll(): Step[] {
  const slot = variable('slot');
  return [
    add(FIRST_GUARDED, 0, slot, { label: 'end' }),
    label('each'),
    equal(slot, MESSAGE.end, { next: 'leave' }),
    pidfd_send_signal.step('ending a process', [slot, SIGKILL, null, 0], { onError: 'next' }),
    add(slot, 1, slot),
    jump('each'),
    exit_group.step('ending', [0], { label: 'leave' }),
  ];
}
