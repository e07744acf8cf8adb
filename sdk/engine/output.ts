/** What a process writes, as Node streams with two conveniences. */
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { StringDecoder } from 'node:string_decoder';

/** The output of a process: a Node Readable of Buffers. What nobody reads makes the process wait, as with any pipe. */
export type Output = Readable & OutputConveniences;

/** What the output of a process has besides what every Readable has. */
export interface OutputConveniences {
  /** The output line by line, as UTF-8 text without the ends of lines. */
  lines(): AsyncIterableIterator<string>;
  /** The output as a Web Stream. */
  web(): ReadableStream<Uint8Array>;
}

/** Adds the conveniences to a stream. */
export function asOutput<T extends Readable>(stream: T): T & OutputConveniences {
  return Object.assign(stream, {
    lines: () => lines(stream),
    web: () => Readable.toWeb(stream) as ReadableStream<Uint8Array>,
  });
}

/** The read end of a pipe as a stream, which takes ownership of the descriptor. */
export function openOutput(descriptor: number): Output {
  return asOutput(new Socket({ fd: descriptor, readable: true, writable: false }));
}

async function* lines(stream: Readable): AsyncIterableIterator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    rest += decoder.write(chunk as Buffer);
    const complete = rest.split('\n');
    rest = complete.pop() ?? '';
    for (const line of complete) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}
