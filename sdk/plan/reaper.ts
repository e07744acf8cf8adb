/** PID 1 of a container with `init: true`: forwards signals to the command, reaps orphans, ends as the command ends. */
import {
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
  kill,
  memory,
  PR_SET_NAME,
  prctl,
  REPORT_DESCRIPTOR,
  rt_sigtimedwait,
  type Step,
  shift,
  variable,
  WNOHANG,
  wait4,
} from '../../syscalls/index.ts';
import { ALL_SIGNALS, SIGCHLD, SIGSET_SIZE } from './signals.ts';

/**
 * Clones the command off and stays as PID 1, with all signals blocked and taken one by one.
 *
 *     wait for a signal ──▶ SIGCHLD? ──no──▶ send it to the command ──▶ wait
 *                              │yes
 *                              ▼
 *                     reap one ──▶ nothing left? ──▶ wait
 *                              └──▶ the command? ──▶ exit as it did, 128 + n for signal n
 *
 * @param command the steps of the command's process, which end in its execve
 */
export function reapFor(command: readonly Step[]): Step[] {
  const child = variable('pid of the command');
  const signal = variable('signal to forward');
  const reaped = variable('reaped pid');
  const status = variable('wait status');
  const code = variable('exit code');
  const args = CLONE_ARGS.encode({ flags: CLONE_VM + CLONE_VFORK, exit_signal: SIGCHLD });
  return [
    prctl.step('naming PID 1', [
      PR_SET_NAME,
      memory(Buffer.from('caisson-init\0'), [], () => '"caisson-init"'),
      0,
      0,
      0,
    ]),
    clone3.step("making the command's process", [args, CLONE_ARGS.size], { into: child }),
    equal(child, 0, { otherwise: 'reaper' }),
    ...command,

    // The command has been entered, or its process has reported why not and is reaped below.
    close.step('closing the report pipe', [REPORT_DESCRIPTOR], { label: 'reaper' }),
    rt_sigtimedwait.step('waiting for a signal', [ALL_SIGNALS, null, null, SIGSET_SIZE], {
      label: 'wait',
      into: signal,
      onError: { EINTR: 'wait' },
    }),
    equal(signal, SIGCHLD, { next: 'reap' }),
    kill.step('forwarding a signal', [child, signal], { next: 'wait', onError: 'wait' }),
    wait4.step('reaping', [-1, addressOf(status), WNOHANG, null], { label: 'reap', into: reaped, onError: 'wait' }),
    equal(reaped, 0, { next: 'wait' }),
    equal(reaped, child, { otherwise: 'reap' }),

    // WTERMSIG is the low seven bits, WEXITSTATUS the eight above (man 2 wait).
    and(status, 0x7f, code),
    equal(code, 0, { next: 'exited' }),
    add(code, 128, code),
    exit_group.step('ending as the command did', [code]),
    shift(status, 8, code, { label: 'exited' }),
    exit_group.step('ending as the command did', [code]),
  ];
}
