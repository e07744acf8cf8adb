/** Which processes are in a PID namespace, or in one that was made in it. */
import { fstatSync, readlinkSync } from 'node:fs';
import { AT_FDCWD, close, hasCode, ioctl, NS_GET_PARENT, O_CLOEXEC, O_RDONLY, openat } from '../../syscalls/index.ts';

/** @param namespace as /proc/PID/ns/pid names it: `pid:[4026532000]` */
export function isInNamespace(pid: number, namespace: string): boolean {
  const path = `/proc/${pid}/ns/pid`;
  try {
    const own = readlinkSync(path);
    if (own === namespace) return true;
    // Most processes are in this one's own.
    return own !== readlinkSync('/proc/self/ns/pid') && hasAncestor(path, namespace);
  } catch (error) {
    // It has ended, or it is somebody else's.
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return false;
    throw error;
  }
}

function hasAncestor(path: string, namespace: string): boolean {
  let fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  for (;;) {
    // EPERM: the parent is none that this process may see, and so none of a container.
    const parent = ioctl.attempt(fd, NS_GET_PARENT, null);
    close(fd);
    if (parent < 0) return false;
    if (`pid:[${fstatSync(parent).ino}]` === namespace) {
      close(parent);
      return true;
    }
    fd = parent;
  }
}
