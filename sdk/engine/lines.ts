/** Bytes as lines of text. */
import { StringDecoder } from 'node:string_decoder';

/** UTF-8 text that comes in pieces, by its lines, without their ends. */
export class LineReader {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /** The lines that a piece completes. */
  add(data: Buffer): string[] {
    const complete = (this.#rest + this.#decoder.write(data)).split('\n');
    this.#rest = complete.pop() ?? '';
    return complete.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  }

  /** What is left: a line that was not ended. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.end();
    return rest === '' ? [] : [rest];
  }
}
