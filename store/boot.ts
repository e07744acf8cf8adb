/** Which start of the machine this is. */
import { readFileSync } from 'node:fs';
import { hasCode } from '../syscalls/index.ts';

const UNKNOWN = 'unknown';
let bootId: string | undefined;

/** The kernel's random name for the time since the machine was started; one of our own where there is none to read. */
export function readBootId(): string {
  bootId ??= read();
  return bootId;
}

/** Whether {@link readBootId} tells one start of the machine from the next. */
export function isBootKnown(): boolean {
  return readBootId() !== UNKNOWN;
}

function read(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch (error) {
    // A sandbox may have no such file, or no /proc. Then nothing tells one start from the next.
    if (hasCode(error, 'ENOENT', 'EACCES')) return UNKNOWN;
    throw error;
  }
}
