/**
 * The frames that logs, health checks and events are kept in: a header of five little-endian u64 and what it says.
 *
 *     kind · sec · nsec (CLOCK_REALTIME) · value · length │ length bytes
 *
 * A frame is appended by one writev(2) to a file opened with O_APPEND, so frames of several writers never mix. The last
 * one may be incomplete, when its writer was interrupted or the disk is full: readers leave it, and what comes behind
 * it is found again by what a header must look like. Stubs write the same (sdk/plan/frames.ts).
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { CaissonError, hasCode } from '../syscalls/index.ts';

/** One entry of a file of frames. */
export interface Frame {
  /** What it is, by the numbers of its file. Below 256. */
  readonly kind: number;
  /** When it was written, by CLOCK_REALTIME: seconds since 1970, and nanoseconds. */
  readonly sec: number;
  readonly nsec: number;
  /** A number that belongs to it, such as a wait status. Signed: what was written as 2^64 - 1 is -1. */
  readonly value: number;
  readonly payload: Buffer;
}

/** How long a header is. */
export const FRAME_HEADER_BYTES = 40;

/** A frame has at most so many bytes besides its header. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

const CHUNK_BYTES = 64 * 1024;

/**
 * A frame as it lies in a file.
 * @param time @default now
 */
export function encodeFrame(kind: number, value: number, payload: Uint8Array | string = '', time = new Date()): Buffer {
  assertFits(payload);
  const content = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const milliseconds = time.getTime();
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeBigUInt64LE(BigInt(kind), 0);
  header.writeBigUInt64LE(BigInt(Math.floor(milliseconds / 1000)), 8);
  header.writeBigUInt64LE(BigInt((milliseconds % 1000) * 1_000_000), 16);
  header.writeBigInt64LE(BigInt(value), 24);
  header.writeBigUInt64LE(BigInt(content.length), 32);
  return Buffer.concat([header, content]);
}

/** @throws TypeError for what is too much for a frame */
export function assertFits(payload: Uint8Array | string): void {
  const length = Buffer.byteLength(payload);
  if (length > MAX_PAYLOAD_BYTES)
    throw new TypeError(`a frame holds at most ${MAX_PAYLOAD_BYTES} bytes, got ${length}`);
}

/** When a frame was written, to the millisecond. */
export function timeOf({ sec, nsec }: Pick<Frame, 'sec' | 'nsec'>): Date {
  return new Date(sec * 1000 + Math.floor(nsec / 1_000_000));
}

/**
 * Appends a frame to a file, making it where there is none.
 * @throws CaissonError STORE_FULL when there is room for a part of it only; that part is left by readers
 */
export function appendFrame(path: string, frame: Buffer): void {
  const descriptor = openSync(path, 'a', 0o600);
  try {
    const written = writeSync(descriptor, frame);
    if (written === frame.length) return;
    throw new CaissonError('STORE_FULL', `'${path}' got ${written} of a frame's ${frame.length} bytes`);
  } finally {
    closeSync(descriptor);
  }
}

/** All whole frames of a file; none where there is no file. */
export function* readFrames(path: string): Generator<Frame> {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  try {
    yield* new FrameReader(descriptor).read();
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads frames from a file that may be growing: each {@link FrameReader.read} goes on behind the last whole frame of
 * the one before. The descriptor stays the caller's.
 */
export class FrameReader {
  readonly #descriptor: number;
  #position: number;

  constructor(descriptor: number, position = 0) {
    this.#descriptor = descriptor;
    this.#position = position;
  }

  /** Behind the last whole frame that was read: where another reader can go on. */
  get position(): number {
    return this.#position;
  }

  /** The whole frames that are there now. */
  *read(): Generator<Frame> {
    let buffer: Buffer = Buffer.alloc(0);
    let wanted = FRAME_HEADER_BYTES;
    for (;;) {
      if (buffer.length < wanted) {
        const more = this.#readMore(buffer, wanted);
        if (more.length < wanted) return;
        buffer = more;
      }
      if (!isHeader(buffer)) {
        // What an interrupted writer left: one byte further, there may be a frame.
        this.#position++;
        buffer = buffer.subarray(1);
        wanted = FRAME_HEADER_BYTES;
        continue;
      }
      const size = FRAME_HEADER_BYTES + Number(buffer.readBigUInt64LE(32));
      wanted = size;
      if (buffer.length < size) continue;
      const frame = decode(buffer.subarray(0, size));
      this.#position += size;
      buffer = buffer.subarray(size);
      wanted = FRAME_HEADER_BYTES;
      yield frame;
    }
  }

  /** What lies from the position on: `known`, and more of it; as much as is wanted, unless the file ends before. */
  #readMore(known: Buffer, wanted: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, wanted));
    let length = known.copy(bytes);
    for (;;) {
      const count = readSync(this.#descriptor, bytes, length, bytes.length - length, this.#position + length);
      length += count;
      if (count === 0 || length >= wanted) return bytes.subarray(0, length);
    }
  }
}

/** Whether a header may begin here: by far not everything looks like one. */
function isHeader(bytes: Buffer): boolean {
  return (
    bytes.readBigUInt64LE(0) < 256n &&
    bytes.readBigUInt64LE(8) < 1n << 40n &&
    bytes.readBigUInt64LE(16) < 1_000_000_000n &&
    bytes.readBigUInt64LE(32) <= BigInt(MAX_PAYLOAD_BYTES)
  );
}

function decode(bytes: Buffer): Frame {
  return {
    kind: Number(bytes.readBigUInt64LE(0)),
    sec: Number(bytes.readBigUInt64LE(8)),
    nsec: Number(bytes.readBigUInt64LE(16)),
    value: Number(bytes.readBigInt64LE(24)),
    payload: bytes.subarray(FRAME_HEADER_BYTES),
  };
}
