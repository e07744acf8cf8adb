/** The master of a container's terminal as a stream. libuv has no handle for it, so it is polled and read by us. */
import { Duplex } from 'node:stream';
import {
  CMSGHDR,
  close,
  F_SETFL,
  fcntl,
  hasCode,
  IOVEC,
  ioctl,
  MSG_CMSG_CLOEXEC,
  MSGHDR,
  memory,
  O_NONBLOCK,
  read,
  recvmsg,
  TIOCSWINSZ,
  type Watch,
  WINSIZE,
  watch,
  write,
} from '../../syscalls/index.ts';
import type { TerminalSize } from '../spec/options.ts';
import type { MemoryLog } from './memory-log.ts';
import { asOutput, type OutputConveniences } from './output.ts';

/** A terminal of a process: what is written is typed, what is read was printed. */
export type Terminal = Duplex & OutputConveniences & Resizable & Drainable;

/** Something that may be read for a log before anybody asks for it. */
export interface Drainable {
  /** Reads for the log, until somebody claims the stream. */
  drain(): void;
  /** The stream, for who asks for it: with what was read for the log before. */
  claim(): Terminal;
  /**
   * Of a process that has ended: reads what it has left, unless somebody has the stream and does.
   * @returns false when another process has the terminal open, and may still write to it
   */
  settle(): boolean;
  /** Closes it, unless somebody has the stream. */
  release(): void;
}

/** A window whose size a process can be told. */
export interface Resizable {
  /** Tells the process the size of the window; it gets SIGWINCH. */
  resize(size: TerminalSize): void;
}

const CHUNK_BYTES = 65_536;

/** More than a terminal holds (drivers/tty/tty_buffer.c: 64 KiB), of which it gives 4 KiB at once. */
const MAX_READS = 64;

/** A terminal that is not there yet: its master arrives through a socket, which this takes ownership of. */
export function openTerminal(socket: number, log?: MemoryLog): Terminal {
  return asOutput(new TerminalStream(socket, log));
}

class TerminalStream extends Duplex implements Resizable, Drainable {
  readonly #log: MemoryLog | undefined;
  /** From when on it is read for the log only. */
  #drainedFrom: number | undefined;
  #isClaimed = false;
  #hasEnded = false;
  /** Through which the master arrives, until it has. */
  #socket: number | undefined;
  readonly #arrival: Watch;
  #master: number | undefined;
  #watch: Watch | undefined;
  #size: TerminalSize | undefined;
  /** Whether the reader wants more. */
  #wantsOutput = false;
  /** What is being typed, until the terminal has taken it all. */
  #typed: { rest: Buffer; done: (error?: Error | null) => void } | undefined;

  constructor(socket: number, log: MemoryLog | undefined) {
    super({ allowHalfOpen: true });
    this.#log = log;
    this.#socket = socket;
    this.#arrival = watch(socket, { readable: true }, () => this.#receive());
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    if (this.#master === undefined) return;
    ioctl(this.#master, TIOCSWINSZ, WINSIZE.encode({ ws_row: size.rows, ws_col: size.columns }));
  }

  drain(): void {
    if (this.#isClaimed || this.#hasEnded || this.#log === undefined) return;
    this.#drainedFrom ??= this.#log.place;
    this.#wantsOutput = true;
    this.#wait();
    this.#printAll();
  }

  claim(): Terminal {
    this.#isClaimed = true;
    const from = this.#drainedFrom;
    this.#drainedFrom = undefined;
    if (from !== undefined) for (const chunk of this.#log?.of('stdout', from) ?? []) this.push(chunk);
    if (from !== undefined && this.#hasEnded) this.push(null);
    return this as unknown as Terminal;
  }

  settle(): boolean {
    if (this.#isClaimed) return true;
    this.#receive();
    this.#printAll();
    return this.#hasEnded;
  }

  release(): void {
    if (!this.#isClaimed) this.destroy();
  }

  override _read(): void {
    this.#wantsOutput = true;
    this.#wait();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#typed = { rest: chunk, done };
    this.#type();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#closeMaster();
    done(error);
  }

  #receive(): void {
    if (this.#socket === undefined) return;
    this.#arrival.close();
    const master = receiveDescriptor(this.#socket);
    close(this.#socket);
    this.#socket = undefined;
    this.#arrive(master);
  }

  #arrive(master: number | undefined): void {
    if (master === undefined || this.destroyed) {
      // No terminal came: the process failed before it could open one, and its error says why.
      if (master !== undefined) close(master);
      this.#end();
      return;
    }
    this.#master = master;
    fcntl(master, F_SETFL, O_NONBLOCK);
    if (this.#size !== undefined) this.resize(this.#size);
    this.#watch = watch(master, { readable: true }, () => {
      this.#type();
      if (this.#wantsOutput) this.#print();
    });
    this.#wait();
  }

  #wait(): void {
    this.#watch?.change({ readable: this.#wantsOutput, writable: this.#typed !== undefined });
  }

  #type(): void {
    if (this.#master === undefined || this.#typed === undefined) return;
    const { rest, done } = this.#typed;
    const written = this.#attempt((master) => write(master, rest, rest.length));
    this.#typed = written === rest.length ? undefined : { rest: rest.subarray(written), done };
    this.#wait();
    if (this.#typed === undefined) done();
  }

  /** Reads what is there, whoever wants it; who never stops writing is not read for ever. */
  #printAll(): void {
    for (let reads = 0; reads < MAX_READS && this.#print(); reads++);
  }

  /** @returns whether there was something */
  #print(): boolean {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = this.#attempt((master) => read(master, chunk, chunk.length));
    if (count === 0 || this.#master === undefined) return false;
    const printed = Buffer.from(chunk.subarray(0, count));
    this.#log?.note('stdout', printed);
    this.#wantsOutput = this.#drainedFrom !== undefined || this.push(printed);
    this.#wait();
    return true;
  }

  /** The count of what could be done now. EIO is how a master says that nobody has the other side open any more. */
  #attempt(action: (master: number) => number): number {
    if (this.#master === undefined) return 0;
    try {
      return action(this.#master);
    } catch (error) {
      if (hasCode(error, 'EIO')) this.#end();
      else if (!hasCode(error, 'EAGAIN', 'EINTR')) this.destroy(error as Error);
      return 0;
    }
  }

  #end(): void {
    this.#wantsOutput = false;
    this.#hasEnded = true;
    this.#closeMaster();
    // Who claims it then gets first what was read for the log.
    if (this.#drainedFrom === undefined) this.push(null);
    const typed = this.#typed;
    this.#typed = undefined;
    typed?.done();
    this.end();
  }

  #closeMaster(): void {
    this.#watch?.close();
    this.#watch = undefined;
    if (this.#master !== undefined) close(this.#master);
    this.#master = undefined;
  }
}

/** Receives a descriptor (man 3 cmsg); undefined when the other end has closed without sending one. */
function receiveDescriptor(socket: number): number | undefined {
  const byte = new Uint8Array(1);
  const control = new Uint8Array(24);
  const message = MSGHDR.encode({
    msg_iov: IOVEC.encode({ iov_base: memory(byte), iov_len: 1 }),
    msg_iovlen: 1,
    msg_control: memory(control),
    msg_controllen: control.length,
  });
  const received = recvmsg(socket, message, MSG_CMSG_CLOEXEC);
  if (received === 0) return undefined;
  return new DataView(control.buffer).getInt32(CMSGHDR.size, true);
}
