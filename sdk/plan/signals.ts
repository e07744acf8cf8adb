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

export const { SIGKILL, SIGCHLD, SIGTERM } = constants.signals;

/**
 * Tells a keeper (keeper.ts) to end all that it keeps, itself too. A real-time signal: they have no names, so nobody means
 * another thing by it, and it is not lost among others.
 */
export const END_SIGNAL = 64;

/** The size of the kernel's sigset_t in bytes. */
export const SIGSET_SIZE = 8;

/** Every signal, as a sigset_t. */
export const ALL_SIGNALS = memory(new Uint8Array(SIGSET_SIZE).fill(0xff), [], () => '~[]');

/** No signal, as a sigset_t. */
export const NO_SIGNALS = memory(new Uint8Array(SIGSET_SIZE), [], () => '[]');
const LAST_SIGNAL = 64;

/** SIG_DFL, as a sigaction. */
export const BY_DEFAULT = memory(new Uint8Array(32), [], () => '{SIG_DFL}');

/** Default dispositions for all signals, and none blocked. */
export function resetSignals(): Step[] {
  const signal = variable('signal');
  return [
    add(0, 1, signal),
    // SIGKILL and SIGSTOP refuse: they are what they should be.
    rt_sigaction.step('resetting a signal', [signal, BY_DEFAULT, null, SIGSET_SIZE], {
      label: 'reset signal',
      onError: 'next',
    }),
    add(signal, 1, signal),
    equal(signal, LAST_SIGNAL + 1, { otherwise: 'reset signal' }),
    rt_sigprocmask.step('unblocking signals', [SIG_SETMASK, NO_SIGNALS, null, SIGSET_SIZE]),
  ];
}
