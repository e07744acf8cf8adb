/** What a layer may ask of whoever unpacks it. No image needs as much as the defaults allow. */
import { CaissonError } from '../../syscalls/index.ts';

/** Limits against archives made to exhaust memory, time or the disk. */
export interface LayerLimits {
  /** Of an extended header, a long name or the map of a sparse file, in bytes. @default 1 MiB, as in Go */
  readonly maxHeaderBytes?: number | undefined;
  /** How many headers an archive has. @default 4 000 000 */
  readonly maxEntries?: number | undefined;
  /** How many directories are in one another. @default 512 */
  readonly maxDepth?: number | undefined;
  /** How many times its compressed size content has, once there is more than a gigabyte of it. @default 200 */
  readonly maxExpansion?: number | undefined;
}

const DEFAULTS = {
  maxHeaderBytes: 1024 * 1024,
  maxEntries: 4_000_000,
  maxDepth: 512,
  maxExpansion: 200,
} as const;

/** What may always be unpacked, however small it was: gzip makes a thousandth of a file of zeros. */
const FREE_BYTES = 1024 ** 3;

/** The limits that hold. */
export function normalizeLimits(limits: LayerLimits = {}): Readonly<Record<keyof LayerLimits, number>> {
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}

/** The error of an archive that is beyond a limit. */
export function limitExceeded(limit: keyof LayerLimits, reason: string): CaissonError {
  return new CaissonError('LAYER_LIMIT_EXCEEDED', `the archive is not unpacked: ${reason}`, {
    hint: `the limit is the option ${limit}`,
  });
}

/**
 * Refuses content that grows too much.
 * @throws CaissonError LAYER_LIMIT_EXCEEDED
 */
export function checkExpansion(compressed: number, content: number, maxExpansion: number): void {
  if (content <= FREE_BYTES || content <= compressed * maxExpansion) return;
  const times = `more than ${maxExpansion} times`;
  throw limitExceeded('maxExpansion', `${compressed} bytes of it became ${content}, ${times} as many`);
}
