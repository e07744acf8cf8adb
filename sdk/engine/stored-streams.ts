/** What a detached container reads and writes: through a fifo, and from its log on disk. */
import type { Writable } from 'node:stream';
import { CaissonError } from '../../syscalls/index.ts';
import type { TerminalSize } from '../spec/options.ts';
import { type Attachment, type AttachOptions, attachTo, followStream } from './attach.ts';
import { type LogSource, type Logs, type LogsOptions, logsFrom } from './logs.ts';
import type { Output } from './output.ts';
import { openStoredInput } from './stored-input.ts';
import { openStoredLog } from './stored-logs.ts';
import type { StoredView } from './stored-view.ts';
import { tellSupervisor } from './supervisor-request.ts';

/** The streams of one container. All of them throw LOGS_ELSEWHERE when it is attached: its owner has what it writes. */
export class StoredStreams {
  readonly #view: StoredView;
  #stdin: Writable | undefined;
  #stdout: Output | undefined;
  #stderr: Output | undefined;

  constructor(view: StoredView) {
    this.#view = view;
  }

  /** @throws CaissonError NO_STREAM, NOT_RUNNING */
  get stdin(): Writable {
    this.#assertLogged();
    this.#stdin ??= this.#openInput();
    return this.#stdin;
  }

  get stdout(): Output {
    this.#stdout ??= this.#follow('stdout');
    return this.#stdout;
  }

  get stderr(): Output {
    this.#stderr ??= this.#follow('stderr');
    return this.#stderr;
  }

  logs(options: LogsOptions): Logs {
    this.#assertLogged();
    return logsFrom(() => this.#openLog(), options);
  }

  /** @throws CaissonError NOT_RUNNING */
  attach(options: AttachOptions): Attachment {
    this.#assertLogged();
    if (!['running', 'paused', 'restarting'].includes(this.#view.state)) throw this.#view.notRunning('attached to');
    const parts = {
      open: () => this.#openLog(),
      openInput: () => this.#openInput(),
      ownsInput: true,
      resize: (size: TerminalSize) => this.resize(size),
    };
    return attachTo(parts, options);
  }

  /** Does nothing to an attached container. */
  resize(size: TerminalSize): void {
    const { store, record } = this.#view.parts;
    if (record.detached) tellSupervisor(store, this.#view.id, { resize: size });
  }

  /** What it wrote since its log begins, and what it writes. */
  #follow(stream: 'stdout' | 'stderr'): Output {
    this.#assertLogged();
    return followStream(this.#openLog(), stream);
  }

  #openLog(): LogSource {
    return openStoredLog(this.#view.parts.store, this.#view.id);
  }

  #openInput(): Writable {
    return openStoredInput(this.#view.parts.store, this.#view.id, this.#view.label);
  }

  #assertLogged(): void {
    if (this.#view.parts.record.detached) return;
    throw new CaissonError(
      'LOGS_ELSEWHERE',
      `what ${this.#view.label} writes and reads is with the process that started it`,
      {
        hint: 'containers that are made with { detach: true } keep it on disk',
      },
    );
  }
}
