/**
 * The owner's side of a guard (plan/guard.ts): one process for a thread, made with the first container that needs it.
 * It never keeps this process from ending.
 */

import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import {
  atExit,
  CMSGHDR,
  close,
  compile,
  encodeRights,
  IOVEC,
  MSG_NOSIGNAL,
  MSGHDR,
  rightsLength,
  sendmsg,
  shared,
} from '../../syscalls/index.ts';
import { FIRST_GUARDED, GUARD_SOCKET, planGuard } from '../plan/guard.ts';
import { hasReaper, isSingleId, type Spec } from '../spec/spec.ts';
import { launchInit } from './child.ts';
import { openDescriptorSocket } from './pipe.ts';

/** One for the thread. A guard that somebody has killed is followed by another, which gets all that runs. */
const thread = shared('guard', () => ({
  /** This end of the guard's socket; undefined while there is no guard. */
  socket: undefined as number | undefined,
  /** The pidfds of what runs, by their slots. */
  guarded: new Map<number, number>(),
  freeSlots: [] as number[],
  endOfSlots: FIRST_GUARDED,
  /** Whether a guard that is killed is followed at once: once for each container, lest one that cannot live is made for ever. */
  isFollowed: false,
  isClosedAtExit: false,
}));

/**
 * Whether the first process of a container may lose its wish to die with its owner: it can change its ids, and is not
 * one of ours, which never do. Not in a worker thread: whoever ends one from outside would find the watch of the guard
 * in its way, which aborts the process.
 */
export function needsGuard(spec: Spec): boolean {
  return isMainThread && !isSingleId(spec.linux) && !hasReaper(spec);
}

/**
 * Has a process end with this thread, whatever it does.
 *
 * @param pidfd stays the caller's, and open until `exited` has resolved
 */
export function guard(pidfd: number, exited: Promise<unknown>): void {
  const slot = thread.freeSlots.pop() ?? thread.endOfSlots++;
  thread.guarded.set(slot, pidfd);
  void exited.then(() => {
    thread.guarded.delete(slot);
    // Not while somebody waits for what the process has come to.
    setImmediate(() => release(slot));
  });
  thread.isFollowed = true;
  if (thread.socket === undefined) startGuard();
  else hand(slot, pidfd);
}

/** If this does not get there, the slot's next process takes its place. */
function release(slot: number): void {
  thread.freeSlots.push(slot);
  send(slot);
}

function startGuard(): void {
  const { ours, theirs } = openDescriptorSocket();
  try {
    const compiled = compile(planGuard());
    const { image, program } = compiled;
    const values = { [GUARD_SOCKET.name]: theirs };
    const { child, started } = launchInit({ compiled, image, program: () => program }, values);
    child.holds(false);
    void started().catch(() => undefined);
    void child.exited.then(follow);
  } catch {
    // Where no process can be made any more, a container still dies with its owner unless it changes its ids.
    close(ours);
    return;
  } finally {
    close(theirs);
  }
  thread.socket = ours;
  for (const [slot, pidfd] of thread.guarded) hand(slot, pidfd);
  closeAtExit();
}

/** Somebody has killed the guard. */
function follow(): void {
  letGo();
  if (!thread.isFollowed || thread.guarded.size === 0) return;
  thread.isFollowed = false;
  startGuard();
}

/** Gives a process to the guard. When too much is under way, it is given once more in the next turn. */
function hand(slot: number, pidfd: number): void {
  if (send(slot, pidfd) !== -constants.errno.EAGAIN) return;
  setImmediate(() => {
    if (thread.guarded.get(slot) === pidfd) send(slot, pidfd);
  });
}

/** Sends a message of plan/guard.ts; returns a negative error number when it could not be. */
function send(slot: number, pidfd?: number): number {
  if (thread.socket === undefined) return 0;
  words.set([BigInt(slot), BigInt(thread.endOfSlots)]);
  if (pidfd === undefined) return sendmsg.attempt(thread.socket, RELEASE, MSG_NOSIGNAL);
  rights.setInt32(CMSGHDR.size, pidfd, true);
  return sendmsg.attempt(thread.socket, HAND, MSG_NOSIGNAL);
}

/** What is sent, written anew for each message: encoding all of it would be most of what a container pays for its guard. */
const words = new BigInt64Array(2);
const control = encodeRights([0]);
const rights = new DataView(control.bytes.buffer, control.bytes.byteOffset);
const piece = IOVEC.encode({ iov_base: new Uint8Array(words.buffer), iov_len: words.byteLength });
const RELEASE = MSGHDR.encode({ msg_iov: piece, msg_iovlen: 1 });
const HAND = MSGHDR.encode({ msg_iov: piece, msg_iovlen: 1, msg_control: control, msg_controllen: rightsLength(1) });

/** A thread's end closes no descriptors; the process's does. */
function closeAtExit(): void {
  if (thread.isClosedAtExit) return;
  thread.isClosedAtExit = true;
  atExit(letGo);
}

/** Closes this end, which ends a guard that is there, and all that it guards. */
function letGo(): void {
  if (thread.socket !== undefined) close(thread.socket);
  thread.socket = undefined;
}
