/** Our ends of a process's descriptors, which become Node streams when somebody asks: most are never asked for. */
import { Readable, Writable } from 'node:stream';
import { CaissonError, close, POLLHUP, POLLIN, type Watch, watch } from '../../syscalls/index.ts';
import type { TerminalSize } from '../spec/options.ts';
import { openInput } from './input.ts';
import type { MemoryLog } from './memory-log.ts';
import { asOutput, type Output, openOutput, readPipe } from './output.ts';
import { pollNow } from './pipe.ts';
import type { Ends } from './stdio.ts';
import { openTerminal, type Terminal } from './terminal.ts';

/** The streams of a process. */
export class Streams {
  readonly #terminal: Terminal | undefined;
  readonly #stdout: LazyOutput;
  readonly #stderr: LazyOutput;
  #input: number | undefined;
  #stdin: Writable | undefined;
  #isInputClosed = false;

  /**
   * Takes ownership of the descriptors.
   * @param log where all that is read is noted; where logs are wanted already, it is read for them
   */
  constructor({ stdin, stdout, stderr, terminal }: Ends, log?: MemoryLog) {
    this.#terminal = terminal === undefined ? undefined : openTerminal(terminal, log);
    this.#input = stdin;
    this.#stdout = new LazyOutput(stdout, 'stdout', log);
    this.#stderr = new LazyOutput(stderr, 'stderr', log);
    if (log?.isWanted === true) this.drain();
  }

  /** Has what nobody has asked for read into the log, from now on. */
  drain(): void {
    this.#terminal?.drain();
    this.#stdout.drain();
    this.#stderr.drain();
  }

  /**
   * Of a process that has ended, a stream that is closed.
   * @throws CaissonError NO_STREAM
   */
  get stdin(): Writable {
    if (this.#input !== undefined) this.#stdin = openInput(this.#input);
    // As whoever has asked before finds it.
    else if (this.#isInputClosed) this.#stdin ??= new Writable().destroy();
    this.#input = undefined;
    return this.#stdin ?? this.#terminal?.claim() ?? noStream('stdin');
  }

  /** @throws CaissonError NO_STREAM */
  get stdout(): Output {
    return this.#stdout.stream ?? this.#terminal?.claim() ?? noStream('stdout');
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
    return [this.#stdout.settle(), this.#stderr.settle(), this.#terminal?.settle() ?? true].every(Boolean);
  }

  /** Closes what nobody has asked for. */
  release(): void {
    this.#closeInput();
    this.#stdout.release();
    this.#stderr.release();
    this.#terminal?.release();
  }

  #closeInput(): void {
    if (this.#input !== undefined) {
      close(this.#input);
      this.#isInputClosed = true;
    }
    this.#input = undefined;
    this.#stdin?.destroy();
  }
}

function noStream(name: string): never {
  throw new CaissonError('NO_STREAM', `${name} of this process is no stream of ours`, {
    hint: `start it with { ${name}: 'pipe' }; with a tty there are stdin and stdout`,
  });
}

/** An output that is a descriptor until it is asked for; of a log, whose reading then goes on as the stream's. */
class LazyOutput {
  readonly #name: 'stdout' | 'stderr';
  readonly #log: MemoryLog | undefined;
  #descriptor: number | undefined;
  /** What was read before anybody asked: from the pipe of a process that has ended, or for the log. */
  #unread: (() => Buffer[]) | undefined;
  #draining: Watch | undefined;
  #stream: Output | undefined;

  constructor(descriptor: number | undefined, name: 'stdout' | 'stderr', log: MemoryLog | undefined) {
    this.#descriptor = descriptor;
    this.#name = name;
    this.#log = log;
  }

  get stream(): Output | undefined {
    const before = this.#unread?.() ?? [];
    this.#draining?.close();
    this.#draining = undefined;
    if (this.#descriptor !== undefined) {
      this.#stream = openOutput(this.#descriptor, { before, note: this.#log && ((chunk) => this.#note(chunk)) });
    } else if (this.#unread !== undefined) {
      this.#stream = asOutput(Readable.from(before, { objectMode: false }));
    }
    this.#unread = undefined;
    this.#descriptor = undefined;
    return this.#stream;
  }

  /** Reads for the log, until somebody asks for the stream; what is there, at once. */
  drain(): void {
    if (this.#descriptor === undefined || this.#log === undefined) return;
    const { log, name } = { log: this.#log, name: this.#name };
    const from = log.place;
    this.#unread ??= () => log.of(name, from);
    this.#draining ??= watch(this.#descriptor, { readable: true }, () => this.#drainNow());
    // Whoever reads logs waits for them; nobody else does.
    this.#draining.unref();
    this.#drainNow();
  }

  #drainNow(): void {
    while (this.#descriptor !== undefined) {
      const chunk = readPipe(this.#descriptor);
      if (chunk === undefined) return;
      if (chunk.length === 0) this.release();
      else this.#note(chunk);
    }
  }

  /** Reads what is left in the pipe and closes it; not while it has a writer. */
  settle(): boolean {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return true;
    const events = pollNow(descriptor);
    if ((events & POLLHUP) === 0) return false;
    if (this.#draining !== undefined) {
      this.#drainNow();
    } else {
      const chunk = (events & POLLIN) === 0 ? undefined : readPipe(descriptor);
      this.#unread = () => (chunk === undefined ? [] : [chunk]);
      if (chunk !== undefined) this.#note(chunk);
    }
    this.release();
    return true;
  }

  release(): void {
    this.#draining?.close();
    this.#draining = undefined;
    if (this.#descriptor !== undefined) close(this.#descriptor);
    this.#descriptor = undefined;
  }

  #note(chunk: Buffer): void {
    this.#log?.note(this.#name, chunk);
  }
}
