/** The extended attributes that go with a copy: a user's own, and what a program may do. */
import { neutralCapability } from '../../../store/index.ts';
import { fgetxattr, flistxattr, XATTR_LIST_MAX, XATTR_SIZE_MAX } from '../../../syscalls/index.ts';

const list = Buffer.alloc(XATTR_LIST_MAX);
const value = Buffer.alloc(XATTR_SIZE_MAX);
const CAPABILITY = 'security.capability';
const NONE: ReadonlyMap<string, Buffer> = new Map();

/** The attributes of an open file. Overlay's own mean something else elsewhere, as do labels of this machine. */
export function readAttributes(descriptor: number): ReadonlyMap<string, Buffer> {
  const length = flistxattr.attempt(descriptor, list, list.length);
  if (length <= 0) return NONE;
  const names = list
    .toString('utf8', 0, length - 1)
    .split('\0')
    .filter(isCopied);
  if (names.length === 0) return NONE;
  return new Map(names.flatMap((name) => readAttribute(descriptor, name)));
}

/** Whether an attribute goes with a copy. */
export function isCopied(name: string): boolean {
  return (name.startsWith('user.') && !name.startsWith('user.overlay.')) || name === CAPABILITY;
}

/** None when it is gone meanwhile. */
function readAttribute(descriptor: number, name: string): [string, Buffer][] {
  const length = fgetxattr.attempt(descriptor, name, value, value.length);
  if (length < 0) return [];
  const found = Buffer.from(value.subarray(0, length));
  // Of a container that has ids of its own, a capability is for its user namespace: the copy is not.
  return [[name, name === CAPABILITY ? neutralCapability(found) : found]];
}
