/** Content is named by its sha256, and nothing is believed before it is measured. */
import { createHash } from 'node:crypto';
import { CaissonError } from '../syscalls/index.ts';

/** What content must turn out to be. */
export interface Expected {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  /** In bytes; where it is not known, only the digest counts. */
  readonly size?: number | undefined;
}

/**
 * The hexadecimal part of a digest: the only form in which one becomes part of a path (CVE-2024-3727).
 * @throws CaissonError DIGEST_INVALID for anything but `sha256:` and 64 lower-case hexadecimal digits
 */
export function parseDigest(digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) {
    throw new CaissonError('DIGEST_INVALID', `not a sha256 digest: ${JSON.stringify(digest.slice(0, 100))}`);
  }
  return hex;
}

/** Whether text is a digest that {@link parseDigest} takes. */
export function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** The digest of bytes that are all there. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/**
 * Passes a stream through and ends in an error unless it was what was expected. Stops at the first byte too many.
 *
 * @param what names the content in the error: `layer`, `blob`
 * @throws CaissonError SIZE_MISMATCH or DIGEST_MISMATCH, with what was expected and what came
 */
export async function* verify(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { digest, size }: Expected,
  what: string,
): AsyncGenerator<Uint8Array> {
  parseDigest(digest);
  const hash = createHash('sha256');
  let count = 0;
  for await (const chunk of source) {
    count += chunk.length;
    if (size !== undefined && count > size) throw sizeMismatch(what, digest, size, `more`);
    hash.update(chunk);
    yield chunk;
  }
  if (size !== undefined && count < size) throw sizeMismatch(what, digest, size, `only ${count}`);
  const actual = `sha256:${hash.digest('hex')}`;
  if (actual !== digest) {
    throw new CaissonError('DIGEST_MISMATCH', `${what} should have digest ${digest}, but has ${actual}`);
  }
}

/** Counts and digests a stream that passes through; the result is known at its end. */
export function measure(source: AsyncIterable<Uint8Array>): {
  readonly chunks: AsyncGenerator<Uint8Array>;
  result(): { digest: string; size: number };
} {
  const hash = createHash('sha256');
  let size = 0;
  async function* pass() {
    for await (const chunk of source) {
      size += chunk.length;
      hash.update(chunk);
      yield chunk;
    }
  }
  return { chunks: pass(), result: () => ({ digest: `sha256:${hash.digest('hex')}`, size }) };
}

function sizeMismatch(what: string, digest: string, size: number, got: string): CaissonError {
  return new CaissonError('SIZE_MISMATCH', `${what} ${digest} should have ${size} bytes, but has ${got}`);
}
