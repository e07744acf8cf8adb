/**
 * The first process of a container whose PID namespace is not its own, where no kernel ends its processes with it: this
 * does. It adopts what is orphaned among its descendants, and ends all of them when the command has ended, when its
 * owner has, or when it is told to by {@link END_SIGNAL}.
 *
 *     a signal ──▶ END_SIGNAL? ──────────yes───────────────────▶ end all ──▶ end by SIGKILL
 *        ▲            │no
 *        │            ├─▶ SIGCHLD: reap ──▶ the command? ──yes──▶ end all ──▶ end as it did
 *        └────────────┴─▶ any other: send it to the command
 *
 *     end all: list the children ──▶ SIGKILL each ──▶ reap until none is left to be reaped ──▶ none at all?
 *                   ▲────────────────────────── no, those of the dead are ours now ──────────────┘
 *
 * Its memory is its own table and cannot be looked into; of root's capabilities it keeps the one to signal, since what
 * it is to end may be of any user.
 */
import {
  __WALL,
  add,
  addressOf,
  and,
  CLONE_ARGS,
  CLONE_VFORK,
  CLONE_VM,
  clone3,
  close,
  equal,
  exit_group,
  getpid,
  kill,
  label,
  type Memory,
  memory,
  O_CLOEXEC,
  O_RDONLY,
  openat,
  POLLFD,
  POLLIN,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_NAME,
  ppoll,
  prctl,
  REPORT_DESCRIPTOR,
  read,
  rt_sigaction,
  rt_sigprocmask,
  rt_sigtimedwait,
  SFD_CLOEXEC,
  SIG_SETMASK,
  type Step,
  shift,
  signalfd4,
  signalSet,
  TIMESPEC,
  variable,
  WNOHANG,
  wait4,
} from '../../syscalls/index.ts';
import { setCapabilities } from './identity.ts';
import { renumber } from './keeper-proc.ts';
import { FIRST_EXTRA_DESCRIPTOR } from './launch.ts';
import { dieWithOwner, hideFromContainer } from './prelude.ts';
import { ALL_SIGNALS, BY_DEFAULT, END_SIGNAL, NO_SIGNALS, SIGCHLD, SIGKILL, SIGSET_SIZE } from './signals.ts';

/** What it is called in /proc/PID/stat. */
export const KEEPER_NAME = 'caisson-init';

/** What the keeper is to do besides. */
export interface KeeperOptions {
  /** A descriptor of a /proc that counts as the keeper does. It has the number for itself. */
  readonly proc: number;
  /** Whether it exits with 128 + n when the command was ended by signal n, as an init does, instead of by n as well. */
  readonly exitsWithCode: boolean;
  /** Another process, as a pidfd: when that has ended, all do. */
  readonly until?: number | undefined;
}

const ONLY_END = memory(signalSet([END_SIGNAL]), [], () => '[END_SIGNAL]');
const AT_ONCE = TIMESPEC.encode({});

const [child, signal, status] = [variable('pid of the command'), variable('signal'), variable('wait status')];
const [reaped, final, killed] = [variable('reaped pid'), variable('status of the command'), variable('killed')];

/**
 * Clones the command off and stays, with all signals blocked and taken one by one.
 * @param command the steps of the command's process, which end in its execve
 */
export function keep(command: readonly Step[], options: KeeperOptions): Step[] {
  const args = CLONE_ARGS.encode({ flags: CLONE_VM + CLONE_VFORK, exit_signal: SIGCHLD });
  const name = memory(Buffer.from(`${KEEPER_NAME}\0`), [], () => `"${KEEPER_NAME}"`);
  return [
    prctl.step('naming the first process', [PR_SET_NAME, name, 0, 0, 0]),
    prctl.step('adopting orphans', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0]),
    ...hideFromContainer(),
    ...dieWithOwner('keeper', END_SIGNAL),
    ...(options.until === undefined ? [] : openSignals()),
    clone3.step("making the command's process", [args, CLONE_ARGS.size], { into: child }),
    equal(child, 0, { otherwise: 'keeper' }),
    ...dieWithOwner('kept'),
    ...command,

    // The command has been entered, or its process has reported why not and is reaped below.
    label('keeper'),
    setCapabilities(['CAP_KILL'], { EPERM: 'next' }),
    close.step('closing the report pipe', [REPORT_DESCRIPTOR]),
    ...takeSignals(options),
    ...endAll(options),
    ...endAsCommand(options),
  ];
}

function takeSignals({ until }: KeeperOptions): Step[] {
  return [
    // Before any other: what is kept may send us signals without end.
    rt_sigtimedwait.step('looking whether to end', [ONLY_END, null, AT_ONCE, SIGSET_SIZE], {
      label: 'wait',
      into: signal,
      next: 'killed',
      onError: 'next',
    }),
    ...(until === undefined ? [waitForSignal(null)] : waitForEither(until)),
    equal(signal, END_SIGNAL, { next: 'killed' }),
    equal(signal, SIGCHLD, { next: 'reap' }),
    kill.step('forwarding a signal', [child, signal], { next: 'wait', onError: 'wait' }),
    wait4.step('reaping', [-1, addressOf(status), WNOHANG | __WALL, null], {
      label: 'reap',
      into: reaped,
      onError: 'wait',
    }),
    equal(reaped, 0, { next: 'wait' }),
    equal(reaped, child, { otherwise: 'reap' }),
    add(status, 0, final, { next: 'list' }),
    add(0, 1, killed, { label: 'killed' }),
  ];
}

function waitForSignal(timeout: Memory | null, onError = 'wait'): Step {
  const args = [ALL_SIGNALS, null, timeout, SIGSET_SIZE] as const;
  return rt_sigtimedwait.step('waiting for a signal', args, { into: signal, onError });
}

/** Where a keeper has its signals as a descriptor: behind the /proc and the process that it has. */
const SIGNALS_DESCRIPTOR = FIRST_EXTRA_DESCRIPTOR + 2;

function openSignals(): Step[] {
  const signals = variable('signals');
  return [
    signalfd4.step('opening the signals', [-1, ALL_SIGNALS, SIGSET_SIZE, SFD_CLOEXEC], { into: signals }),
    ...renumber(signals, SIGNALS_DESCRIPTOR),
  ];
}

/** Waits for a signal or the end of a process. */
function waitForEither(until: number): Step[] {
  const ended = variable('ended');
  const process = POLLFD.encode({ fd: until, events: POLLIN });
  const signals = POLLFD.encode({ fd: SIGNALS_DESCRIPTOR, events: POLLIN });
  const both = memory(Buffer.concat([process.bytes, signals.bytes]), [], () => '[the other process, signals]');
  return [
    ppoll.step('waiting for a signal, or the other process', [both, 2, null, null, SIGSET_SIZE], { onError: 'wait' }),
    ppoll.step('looking whether the other process lives', [process, 1, AT_ONCE, null, SIGSET_SIZE], {
      into: ended,
      onError: 'wait',
    }),
    equal(ended, 1, { next: 'killed' }),
    waitForSignal(AT_ONCE),
  ];
}

/** Ends the children, and theirs once they have become ours, until there is nobody. */
function endAll({ proc }: KeeperOptions): Step[] {
  const [list, count, byte] = [variable('list of children'), variable('bytes read'), variable('byte')];
  const [number, digit, twice, five] = [
    variable('number'),
    variable('digit'),
    variable('twice'),
    variable('five times'),
  ];
  const SPACE = 32;
  return [
    openat.step('listing the children', [proc, 'thread-self/children', O_RDONLY | O_CLOEXEC, 0], {
      label: 'list',
      into: list,
      // Of a kernel without CONFIG_PROC_CHILDREN: at least the command, which takes no more than its own children along.
      onError: 'not listed',
    }),
    add(0, 0, number),
    read.step('reading a digit', [list, addressOf(byte), 1], { label: 'read', into: count, onError: 'listed' }),
    equal(count, 0, { next: 'listed' }),
    equal(byte, SPACE, { next: 'send' }),
    add(byte, -48, digit),
    add(number, number, twice),
    add(twice, twice, five),
    add(five, number, five),
    add(five, five, number),
    add(number, digit, number, { next: 'read' }),
    // Until it is reaped, which is for us to do, its id is nobody else's.
    kill.step('ending a child', [number, SIGKILL], { label: 'send', onError: 'next' }),
    add(0, 0, number, { next: 'read' }),
    kill.step('ending the command', [child, SIGKILL], { label: 'not listed', next: 'reap one', onError: 'reap one' }),
    close.step('closing the list', [list], { label: 'listed' }),
    wait4.step('waiting for an end', [-1, addressOf(status), __WALL, null], {
      label: 'reap one',
      into: reaped,
      onError: 'gone',
    }),
    equal(reaped, child, { next: 'note', otherwise: 'reap more' }),
    add(status, 0, final, { label: 'note' }),
    wait4.step('reaping', [-1, addressOf(status), WNOHANG | __WALL, null], {
      label: 'reap more',
      into: reaped,
      onError: 'gone',
    }),
    equal(reaped, 0, { next: 'list' }),
    equal(reaped, child, { next: 'note', otherwise: 'reap more' }),
    label('gone'),
  ];
}

/** WTERMSIG is the low seven bits, WEXITSTATUS the eight above (man 2 wait). */
function endAsCommand({ exitsWithCode }: KeeperOptions): Step[] {
  const [code, self] = [variable('exit code'), variable('own pid')];
  const unblock = rt_sigprocmask.step('unblocking signals', [SIG_SETMASK, NO_SIGNALS, null, SIGSET_SIZE]);
  return [
    getpid.step('asking who it is', [], { into: self }),
    equal(killed, 0, { next: 'as the command' }),
    kill.step('ending as it was told to', [self, SIGKILL]),
    and(final, 0x7f, code, { label: 'as the command' }),
    equal(code, 0, { next: 'exited' }),
    ...(exitsWithCode
      ? []
      : [
          rt_sigaction.step('having the signal end it', [code, BY_DEFAULT, null, SIGSET_SIZE], { onError: 'next' }),
          kill.step('ending as the command did', [self, code], { onError: 'next' }),
          unblock,
        ]),
    add(code, 128, code),
    exit_group.step('ending as the command did', [code]),
    shift(final, 8, code, { label: 'exited' }),
    exit_group.step('ending as the command did', [code]),
  ];
}
