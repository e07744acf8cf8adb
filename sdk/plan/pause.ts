/** The first process of a pod: it holds the namespaces that others join, and reaps who has no parent in them. */
import {
  addressOf,
  close,
  equal,
  exit_group,
  memory,
  PR_SET_NAME,
  prctl,
  REPORT_DESCRIPTOR,
  rt_sigtimedwait,
  type Step,
  variable,
  WNOHANG,
  wait4,
} from '../../syscalls/index.ts';
import { setCapabilities } from './identity.ts';
import { hideFromContainer } from './prelude.ts';
import { ALL_SIGNALS, SIGCHLD, SIGSET_SIZE, SIGTERM } from './signals.ts';

/** Stays, without any right, until SIGTERM. */
export function pause(): Step[] {
  const [signal, reaped, status] = [variable('signal'), variable('reaped pid'), variable('wait status')];
  const name = memory(Buffer.from('caisson-pod\0'), [], () => '"caisson-pod"');
  return [
    prctl.step('naming the first process', [PR_SET_NAME, name, 0, 0, 0]),
    ...hideFromContainer(),
    setCapabilities([]),
    close.step('closing the report pipe', [REPORT_DESCRIPTOR]),
    rt_sigtimedwait.step('waiting for a signal', [ALL_SIGNALS, null, null, SIGSET_SIZE], {
      label: 'wait',
      into: signal,
      onError: 'wait',
    }),
    equal(signal, SIGCHLD, { next: 'reap' }),
    equal(signal, SIGTERM, { otherwise: 'wait' }),
    exit_group.step('ending', [0]),
    wait4.step('reaping', [-1, addressOf(status), WNOHANG, null], { label: 'reap', into: reaped, onError: 'wait' }),
    equal(reaped, 0, { next: 'wait', otherwise: 'reap' }),
  ];
}
