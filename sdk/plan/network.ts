/** The network of a container that has one of its own: a namespace, and loopback in it. */
import {
  AF_INET,
  CLONE_NEWNET,
  close,
  IFF_UP,
  IFREQ,
  ioctl,
  SIOCSIFFLAGS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  type Step,
  socket,
  unshare,
  variable,
} from '../../syscalls/index.ts';
import { makesNamespace, type SpecLinux } from '../spec/spec.ts';

/** What is said of the step that makes the namespace. */
export const MAKING_NETWORK = 'making a network namespace';

/**
 * Makes the network namespace, and brings up `lo`, which it has but leaves down (man 7 netdevice). It belongs to the user
 * namespace that the process is in by now.
 */
export function makeNetwork(linux: Pick<SpecLinux, 'namespaces'>): Step[] {
  if (!makesNamespace({ linux }, 'network')) return [];
  const control = variable('socket');
  const request = IFREQ.encode({ ifr_name: Buffer.from('lo'), ifr_flags: IFF_UP });
  return [
    unshare.step(MAKING_NETWORK, [CLONE_NEWNET]),
    socket.step('opening a socket', [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0], { into: control }),
    ioctl.step('bringing up loopback', [control, SIOCSIFFLAGS, request]),
    close.step('closing the socket', [control]),
  ];
}
