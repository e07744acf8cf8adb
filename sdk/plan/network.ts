/** The network of a container that has one of its own: loopback. */
import {
  AF_INET,
  close,
  IFF_UP,
  IFREQ,
  ioctl,
  SIOCSIFFLAGS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  type Step,
  socket,
  variable,
} from '../../syscalls/index.ts';
import { makesNamespace, type Spec } from '../spec/spec.ts';

/** Brings up `lo`, which a new network namespace has but leaves down (man 7 netdevice). */
export function raiseLoopback(spec: Spec): Step[] {
  if (!makesNamespace(spec, 'network')) return [];
  const control = variable('socket');
  const request = IFREQ.encode({ ifr_name: Buffer.from('lo'), ifr_flags: IFF_UP });
  return [
    socket.step('opening a socket', [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0], { into: control }),
    ioctl.step('bringing up loopback', [control, SIOCSIFFLAGS, request]),
    close.step('closing the socket', [control]),
  ];
}
