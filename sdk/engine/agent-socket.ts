/** The owner's end of an agent's socket: requests go out as they come, answers come back in their order. */
import { constants } from 'node:os';
import {
  close,
  decodeRights,
  IOVEC,
  MSG_CMSG_CLOEXEC,
  MSGHDR,
  recvmsg,
  rightsLength,
  type Watch,
  watch,
  write,
} from '../../syscalls/index.ts';
import { encodeRequest, type Request } from './agent-request.ts';

/**
 * Gets the result of a request, undefined when there will be none; and the descriptor that came with it, which is the
 * receiver's.
 */
export type Answered = (result: number | undefined, descriptor: number | undefined) => void;

const BUFFER_BYTES = 0x1_0000;
const RESULT_BYTES = 8;
const { EAGAIN, EINTR } = constants.errno;

/** One end of a stream socket, which it closes. It keeps this process from ending while answers are awaited. */
export class AgentSocket {
  readonly #descriptor: number;
  readonly #watch: Watch;
  readonly #awaited: { readonly request: Request; readonly answered: Answered }[] = [];
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  readonly #control = Buffer.alloc(rightsLength(1));
  /** Those received whose answer is not complete. */
  readonly #descriptors: number[] = [];
  #outgoing: Buffer[] = [];
  #isFull = false;
  #unread: Buffer = Buffer.alloc(0);
  #isOpen = true;

  /** @param descriptor of a socket that does not block; it is this object's from here on */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#watch = watch(descriptor, { readable: true }, () => this.#ready());
    this.#watch.unref();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * Sends a request.
   * @throws TypeError for what does not fit a request
   */
  send(request: Request, answered: Answered): void {
    const bytes = encodeRequest(request);
    if (!this.#isOpen) {
      answered(undefined, undefined);
      return;
    }
    if (this.#awaited.length === 0) this.#watch.ref();
    this.#awaited.push({ request, answered });
    this.#outgoing.push(bytes);
    // What is asked for before anything is waited for goes out in one write.
    if (this.#outgoing.length === 1 && !this.#isFull) queueMicrotask(() => this.#flush());
  }

  /** Closes this end: what is not answered will not be. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch.close();
    for (const descriptor of [this.#descriptor, ...this.#descriptors]) close(descriptor);
    for (const { answered } of this.#awaited.splice(0)) answered(undefined, undefined);
  }

  #ready(): void {
    if (this.#isFull) this.#flush();
    while (this.#isOpen && this.#receive());
    if (this.#isOpen && this.#awaited.length === 0) this.#watch.unref();
  }

  #flush(): void {
    if (!this.#isOpen) return;
    const bytes = Buffer.concat(this.#outgoing);
    const count = write.attempt(this.#descriptor, bytes, bytes.length);
    // To a socket that nobody reads nothing is written any more; that it has ended is read.
    const isFull = count === -EAGAIN || (count >= 0 && count < bytes.length);
    this.#outgoing = isFull ? [bytes.subarray(Math.max(count, 0))] : [];
    if (isFull !== this.#isFull) this.#watch.change({ readable: true, writable: isFull });
    this.#isFull = isFull;
  }

  /** Reads once; whether there may be more. One read brings one descriptor at most: it ends with what carries one. */
  #receive(): boolean {
    this.#control.fill(0);
    const message = MSGHDR.encode({
      msg_iov: IOVEC.encode({ iov_base: this.#buffer, iov_len: this.#buffer.length }),
      msg_iovlen: 1,
      msg_control: this.#control,
      msg_controllen: this.#control.length,
    });
    const count = recvmsg.attempt(this.#descriptor, message, MSG_CMSG_CLOEXEC);
    if (count === -EAGAIN || count === -EINTR) return count === -EINTR;
    if (count <= 0) {
      this.close();
      return false;
    }
    const descriptors = decodeRights(this.#control);
    this.#descriptors.push(...descriptors);
    this.#unread = Buffer.concat([this.#unread, this.#buffer.subarray(0, count)]);
    this.#answer();
    return count === this.#buffer.length || descriptors.length > 0;
  }

  #answer(): void {
    let at = 0;
    while (this.#unread.length - at >= RESULT_BYTES) {
      const next = this.#awaited[0];
      if (next === undefined) break;
      const result = Number(this.#unread.readBigInt64LE(at));
      const { output, carriesDescriptor } = next.request;
      const written = output === undefined ? 0 : Math.max(result, 0);
      const end = at + RESULT_BYTES + written;
      if (end > this.#unread.length) break;
      if (written > 0) output?.set(this.#unread.subarray(at + RESULT_BYTES, end));
      at = end;
      this.#awaited.shift();
      next.answered(result, carriesDescriptor && result >= 0 ? this.#descriptors.shift() : undefined);
    }
    this.#unread = this.#unread.subarray(at);
  }
}
