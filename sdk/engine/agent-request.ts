/** How a request to an agent is put into bytes; plan/agent-loop.ts has the other side. */
import { type Argument, assertNoNul, type Declaration, isKind } from '../../syscalls/index.ts';
import {
  AGENT_CALLS,
  OPEN_OPERATION,
  REPLY_ADDRESS,
  REPLY_BYTES,
  REQUEST_ADDRESS,
  REQUEST_BYTES,
  REQUEST_HEADER_SIZE,
  SEND_OPERATION,
  SOCKET_OPERATION,
} from '../plan/agent-loop.ts';

/** What is asked of an agent. */
export interface Request {
  readonly operation: number;
  readonly args: readonly Argument[];
  /** The buffer among the arguments that gets what the kernel writes. */
  readonly output?: Uint8Array | undefined;
  /** Whether a descriptor comes with the answer, unless that is an error. */
  readonly carriesDescriptor?: boolean;
}

const operations = new Map<Declaration, number>(AGENT_CALLS.map(({ call }, index) => [call, index]));

/**
 * The request for a call.
 * @throws TypeError for a call that agents do not make
 */
export function requestCall(call: Declaration, args: readonly Argument[]): Request {
  const operation = operations.get(call);
  if (operation === undefined) throw new TypeError(`an agent makes no ${call.syscall}`);
  const { writes } = AGENT_CALLS[operation] ?? {};
  const output = writes === undefined ? undefined : args[writes];
  if (output === undefined) return { operation, args };
  if (!(output instanceof Uint8Array) || output.length > REPLY_BYTES)
    throw new TypeError(`${call.syscall} of an agent writes into a buffer of at most ${REPLY_BYTES} bytes`);
  return { operation, args, output };
}

/** The request to open a file at a slot. */
export function requestOpen(args: readonly Argument[]): Request {
  return { operation: OPEN_OPERATION, args };
}

/** The request to make a socket at a slot. */
export function requestSocket(args: readonly Argument[]): Request {
  return { operation: SOCKET_OPERATION, args };
}

/** The request to send a descriptor. */
export function requestSend(slot: number): Request {
  return { operation: SEND_OPERATION, args: [slot], carriesDescriptor: true };
}

/**
 * A request as the agent receives it. Its strings and buffers become bytes behind it, and the arguments their addresses
 * in the agent.
 * @throws TypeError for what does not fit
 */
export function encodeRequest({ operation, args, output }: Request): Buffer {
  const header = Buffer.alloc(REQUEST_HEADER_SIZE);
  const pieces: Uint8Array[] = [header];
  let length = 0;
  const place = (value: Argument): bigint => {
    if (typeof value === 'number' || typeof value === 'bigint') return BigInt(value);
    if (value === null) return 0n;
    if (value === output) return BigInt(REPLY_ADDRESS);
    const bytes = bytesOf(value);
    const padded = Math.ceil(bytes.length / 8) * 8;
    pieces.push(bytes, new Uint8Array(padded - bytes.length));
    length += padded;
    return BigInt(REQUEST_ADDRESS + length - padded);
  };
  header.writeBigInt64LE(BigInt(operation), 0);
  for (const [index, value] of args.entries()) header.writeBigInt64LE(BigInt.asIntN(64, place(value)), 8 + index * 8);
  if (length > REQUEST_BYTES) throw new TypeError(`a request to an agent has at most ${REQUEST_BYTES} bytes`);
  header.writeBigInt64LE(BigInt(length), REQUEST_HEADER_SIZE - 8);
  return Buffer.concat(pieces);
}

function bytesOf(value: Exclude<Argument, number | bigint | null>): Uint8Array {
  if (typeof value === 'string') {
    assertNoNul(value, 'a path');
    return Buffer.from(`${value}\0`);
  }
  if (value instanceof Uint8Array) return value;
  if (isKind(value, 'memory') && value.pointers.length === 0) return value.bytes;
  throw new TypeError('an agent takes integers, strings and plain buffers');
}
