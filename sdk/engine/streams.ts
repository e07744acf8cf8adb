/** Our ends of a process's descriptors, which become Node streams when somebody asks: most are never asked for. */
import { Readable, type Writable } from 'node:stream';
import { CaissonError, close, POLLFD, POLLHUP, POLLIN, ppoll, read, TIMESPEC } from '../../syscalls/index.ts';
import type { TerminalSize } from '../spec/options.ts';
import { openInput } from './input.ts';
import { asOutput, type Output, openOutput, PIPE_BYTES } from './output.ts';
import type { Ends } from './stdio.ts';
import { openTerminal, type Terminal } from './terminal.ts';

/** The streams of a process. */
export class Streams {
  readonly #terminal: Terminal | undefined;
  readonly #stdout: LazyOutput;
  readonly #stderr: LazyOutput;
  #input: number | undefined;
  #stdin: Writable | undefined;

  /** Takes ownership of the descriptors. */
  constructor({ stdin, stdout, stderr, terminal }: Ends) {
    this.#terminal = terminal === undefined ? undefined : openTerminal(terminal);
    this.#input = stdin;
    this.#stdout = new LazyOutput(stdout);
    this.#stderr = new LazyOutput(stderr);
  }

  /** @throws CaissonError NO_STREAM */
  get stdin(): Writable {
    if (this.#input !== undefined) this.#stdin = openInput(this.#input);
    this.#input = undefined;
    return this.#stdin ?? this.#terminal ?? noStream('stdin');
  }

  /** @throws CaissonError NO_STREAM */
  get stdout(): Output {
    return this.#stdout.stream ?? this.#terminal ?? noStream('stdout');
  }

  /** @throws CaissonError NO_STREAM */
  get stderr(): Output {
    return this.#stderr.stream ?? noStream('stderr');
  }

  resize(size: TerminalSize): void {
    this.#terminal?.resize(size);
  }

  /**
   * Of a process that has ended: closes what it reads, and keeps in memory what nobody has read yet.
   * @returns false when another process has inherited an output that nobody reads, and may still write to it
   */
  settle(): boolean {
    this.#closeInput();
    return [this.#stdout.settle(), this.#stderr.settle()].every(Boolean);
  }

  /** Closes what nobody has asked for. */
  release(): void {
    this.#closeInput();
    this.#stdout.release();
    this.#stderr.release();
  }

  #closeInput(): void {
    if (this.#input !== undefined) close(this.#input);
    this.#input = undefined;
    this.#stdin?.destroy();
  }
}

function noStream(name: string): never {
  throw new CaissonError('NO_STREAM', `${name} of this process is no stream of ours`, {
    hint: `start it with { ${name}: 'pipe' }; with a tty there are stdin and stdout`,
  });
}

/** An output that is a descriptor until it is asked for. */
class LazyOutput {
  #descriptor: number | undefined;
  #unread: Buffer | undefined;
  #stream: Output | undefined;

  constructor(descriptor: number | undefined) {
    this.#descriptor = descriptor;
  }

  get stream(): Output | undefined {
    if (this.#unread !== undefined) {
      this.#stream = asOutput(Readable.from(this.#unread.length === 0 ? [] : [this.#unread]));
    } else if (this.#descriptor !== undefined) {
      this.#stream = openOutput(this.#descriptor);
    }
    this.#unread = undefined;
    this.#descriptor = undefined;
    return this.#stream;
  }

  /** Reads what is left in the pipe and closes it; not while it has a writer. */
  settle(): boolean {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return true;
    const events = pollNow(descriptor);
    if ((events & POLLHUP) === 0) return false;
    const buffer = Buffer.allocUnsafe((events & POLLIN) === 0 ? 0 : PIPE_BYTES);
    const count = buffer.length === 0 ? 0 : read(descriptor, buffer, buffer.length);
    this.#unread = Buffer.from(buffer.subarray(0, count));
    this.release();
    return true;
  }

  release(): void {
    if (this.#descriptor !== undefined) close(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** What a descriptor is ready for now: POLLHUP when a pipe has no writer any more. */
function pollNow(descriptor: number): number {
  const fds = POLLFD.encode({ fd: descriptor, events: POLLIN });
  ppoll(fds, 1, TIMESPEC.encode({}), null, 8);
  return POLLFD.decode(fds.bytes).revents;
}
