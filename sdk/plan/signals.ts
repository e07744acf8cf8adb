/** Signals of a new process: Node ignores SIGPIPE and SIGXFSZ, and what is ignored stays so across execve. */
import { constants } from 'node:os';
import {
  add,
  equal,
  memory,
  rt_sigaction,
  rt_sigprocmask,
  SIG_SETMASK,
  type Step,
  variable,
} from '../../syscalls/index.ts';

export const { SIGKILL, SIGCHLD } = constants.signals;

/** The size of the kernel's sigset_t in bytes. */
export const SIGSET_SIZE = 8;

/** Every signal, as a sigset_t. */
export const ALL_SIGNALS = memory(new Uint8Array(SIGSET_SIZE).fill(0xff), [], () => '~[]');

const NO_SIGNALS = memory(new Uint8Array(SIGSET_SIZE), [], () => '[]');
const LAST_SIGNAL = 64;

/** Default dispositions for all signals, and none blocked. */
export function resetSignals(): Step[] {
  const signal = variable('signal');
  const byDefault = memory(new Uint8Array(32), [], () => '{SIG_DFL}');
  return [
    add(0, 1, signal),
    // SIGKILL and SIGSTOP refuse: they are what they should be.
    rt_sigaction.step('resetting a signal', [signal, byDefault, null, SIGSET_SIZE], {
      label: 'reset signal',
      onError: 'next',
    }),
    add(signal, 1, signal),
    equal(signal, LAST_SIGNAL + 1, { otherwise: 'reset signal' }),
    rt_sigprocmask.step('unblocking signals', [SIG_SETMASK, NO_SIGNALS, null, SIGSET_SIZE]),
  ];
}
