/** The output of a container line by line, for all who wait for something in it, and its end for who reports. */

import type { LastLines } from '../engine/start-failure.ts';

/** A piece of output. */
export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

/** Hears each line, without its end; and before that, whenever there is more of it, what there is of an unfinished one. */
export type LineListener = (line: string, stream: OutputPiece['stream'], isWhole: boolean) => void;

const LAST_LINES = 20;
const LAST_CHARACTERS = 4096;

/** Takes output apart into lines; keeps the last 20 of each stream, of at most 4096 characters. */
export class OutputLines {
  readonly #streams = { stdout: new Lines(), stderr: new Lines() };
  readonly #listeners = new Set<LineListener>();
  #setEnded: () => void = () => {};
  /** Resolves when all listeners have heard the last line. */
  readonly ended = new Promise<void>((resolve) => {
    this.#setEnded = resolve;
  });

  /** Tells of each line from now on; returns what ends that. */
  listen(listener: LineListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes output in. */
  add({ stream, data }: OutputPiece): void {
    const lines = this.#streams[stream];
    this.#tell(stream, lines.add(data));
    if (lines.rest !== '') for (const listener of [...this.#listeners]) listener(lines.rest, stream, false);
  }

  /** The output has ended: what has no end of line is a line, too. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) this.#tell(stream, this.#streams[stream].end());
    this.#setEnded();
  }

  /** The last lines so far. */
  last(): LastLines {
    return { stdout: this.#streams.stdout.last(), stderr: this.#streams.stderr.last() };
  }

  #tell(stream: OutputPiece['stream'], lines: readonly string[]): void {
    for (const line of lines) for (const listener of [...this.#listeners]) listener(line, stream, true);
  }
}

class Lines {
  readonly #decoder = new TextDecoder();
  #rest = '';
  #last: string[] = [];

  /** What there is of a line that has not ended yet. */
  get rest(): string {
    return this.#rest;
  }

  add(data: Uint8Array): string[] {
    return this.#take(this.#decoder.decode(data, { stream: true }));
  }

  end(): string[] {
    const lines = this.#take(this.#decoder.decode());
    if (this.#rest === '') return lines;
    const rest = this.#rest;
    this.#rest = '';
    return [...lines, ...this.#keep([rest])];
  }

  last(): string {
    const text = [...this.#last, ...(this.#rest === '' ? [] : [this.#rest])].slice(-LAST_LINES).join('\n');
    return text.slice(-LAST_CHARACTERS);
  }

  #take(text: string): string[] {
    const lines = (this.#rest + text).split('\n');
    // What never ends a line must not fill the memory.
    this.#rest = (lines.pop() ?? '').slice(-MAX_LINE);
    return this.#keep(lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line)));
  }

  #keep(lines: string[]): string[] {
    this.#last = [...this.#last, ...lines.slice(-LAST_LINES)].slice(-LAST_LINES);
    return lines;
  }
}

const MAX_LINE = 64 * 1024;
