/**
 * Memory of buffers that is given back when nobody needs it any more, not when V8 finds that out. V8 counts what buffers
 * hold and, whenever that has grown by some tens of megabytes, looks through the whole heap: 24 times in a pull of Debian.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';

let port: MessagePort | undefined;

/**
 * Frees the memory of a buffer, which is empty from then on, and so is whatever was a part of it.
 * (What is sent over a port belongs to whoever receives it, and here nobody does. Node 22 has `transfer` for this.)
 */
export function freeMemory(buffer: ArrayBuffer): void {
  port ??= closedPort();
  port.postMessage(undefined, [buffer]);
}

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
