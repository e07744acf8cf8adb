/** What a launched process reports: that its command runs, by the end of the pipe; else which step failed; and its pid. */
import { CODE_ADDRESS, close, hasCode, POLLFD, POLLIN, ppoll, read, SIGSET_SIZE, watch } from '../../syscalls/index.ts';

const REPORT_BYTES = 64;
const PID_BYTES = 8;

/** A report, taken apart. */
export interface Report {
  /** Of a process that makes another, as join.ts and second.ts do: the other's. */
  readonly pid: number | undefined;
  /** A failure's 16 bytes, or nothing. */
  readonly failure: Uint8Array;
}

/** Tells a pid from a failure, whichever comes first: that begins with an address, and those of programs are greater than pids. */
export function parseReport(bytes: Uint8Array): Report {
  const failureBytes = bytes.length - (bytes.length % 16);
  if (bytes.length === failureBytes) return { pid: undefined, failure: bytes };
  const word = (at: number) => Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(at, true));
  if (word(0) < CODE_ADDRESS) return { pid: word(0), failure: bytes.subarray(PID_BYTES) };
  return { pid: word(failureBytes), failure: bytes.subarray(0, failureBytes) };
}

/** Reads the report pipe to its end, which is when the command is entered or the process is gone; and closes it. */
export function readReport(descriptor: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(REPORT_BYTES);
  let length = 0;
  return new Promise((resolve, reject) => {
    const handle = watch(descriptor, { readable: true }, () => {
      try {
        const count = read(descriptor, buffer.subarray(length), REPORT_BYTES - length);
        length += count;
        if (count > 0) return;
        resolve(buffer.subarray(0, length));
      } catch (error) {
        if (hasCode(error, 'EAGAIN', 'EINTR')) return;
        reject(error);
      }
      handle.close();
      close(descriptor);
    });
  });
}

/** Reads what there is of a report, of a process that has ended; and closes it. */
export function readRest(descriptor: number): Uint8Array {
  const buffer = Buffer.alloc(REPORT_BYTES);
  const length = read(descriptor, buffer, REPORT_BYTES);
  close(descriptor);
  return buffer.subarray(0, length);
}

/** Waits, with this thread, for the beginning of a report: a pid, a failure or the end. The pipe stays open. */
export function awaitReport(descriptor: number): Uint8Array {
  const buffer = Buffer.alloc(REPORT_BYTES);
  ppoll(POLLFD.encode({ fd: descriptor, events: POLLIN }), 1, null, null, SIGSET_SIZE);
  return buffer.subarray(0, read(descriptor, buffer, REPORT_BYTES));
}
