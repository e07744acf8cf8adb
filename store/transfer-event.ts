/** What is told while images come and go. */
import type { CaissonError } from '../syscalls/index.ts';

/** Something that happened while an image was pulled, loaded or pushed. */
export type TransferEvent =
  /** A registry is asked what a name stands for. */
  | { readonly kind: 'resolving'; readonly reference: string }
  /** The image is known: the digest of its manifest, and the bytes of its layers, compressed. */
  | { readonly kind: 'resolved'; readonly digest: string; readonly size: number; readonly layers: number }
  /** Nothing is to be done for it: it is there, or was elsewhere in the registry. */
  | { readonly kind: 'exists'; readonly digest: string }
  /** So much of a blob has come; at the end, `bytes` is `total`. */
  | { readonly kind: 'receiving'; readonly digest: string; readonly bytes: number; readonly total: number }
  /** A layer is unpacked, beginning while it comes. */
  | { readonly kind: 'unpacking'; readonly digest: string; readonly diffId: string }
  | { readonly kind: 'unpacked'; readonly digest: string; readonly diffId: string }
  /** So much of a blob has gone; at the end, `bytes` is `total`. */
  | { readonly kind: 'sending'; readonly digest: string; readonly bytes: number; readonly total: number }
  /** Something failed and is tried again after a pause. */
  | { readonly kind: 'retrying'; readonly error: CaissonError; readonly delayMs: number }
  | { readonly kind: 'done'; readonly digest: string };

/** Is told what happens. It must not throw. */
export type OnProgress = (event: TransferEvent) => void;

/** Fewer bytes than this are no news. */
const NEWS_BYTES = 256 * 1024;

/** Passes chunks through and tells how many bytes have passed: now and then, and at the end. */
export async function* countBytes<T extends Uint8Array>(
  chunks: AsyncIterable<T> | Iterable<T>,
  tell: (bytes: number) => void,
): AsyncGenerator<T> {
  let bytes = 0;
  let told = -1;
  for await (const chunk of chunks) {
    yield chunk;
    bytes += chunk.length;
    if (bytes - told < NEWS_BYTES) continue;
    tell(bytes);
    told = bytes;
  }
  if (bytes !== told) tell(bytes);
}
