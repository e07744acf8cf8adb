/** Which of the images in an index is this machine's. */
import { CaissonError } from '../syscalls/index.ts';
import { formatPlatform, type Platform } from './manifest.ts';

/** Go's names of the architectures that Node names differently. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** What runs here without an emulator. */
export function machinePlatform(architecture: string = process.arch): Platform {
  return { os: 'linux', architecture: GO_ARCHITECTURES[architecture] ?? architecture };
}

/** Reads a platform as Docker writes it, `linux/arm64` or `linux/arm/v7`; undefined when it is none. */
export function parsePlatform(text: string): Platform | undefined {
  const [, os, architecture, variant] = /^(\w+)\/(\w+)(?:\/(\w+))?$/.exec(text) ?? [];
  if (os === undefined || architecture === undefined) return undefined;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** Something that is for a platform, or does not say for which. */
export interface ForPlatform {
  readonly platform?: Platform | undefined;
}

/**
 * The candidates for a platform, the best first; several only where they are for the same one. A variant runs what is
 * for the variants before it. Where no variant is wanted, the architecture's usual one is best, but any will do.
 *
 * @throws CaissonError PLATFORM_NOT_FOUND, with the platforms there are
 */
export function selectPlatform<T extends ForPlatform>(candidates: readonly T[], wanted: Platform, what: string): T[] {
  const rank = ({ platform }: T) => (platform === undefined ? 0 : rankPlatform(platform, wanted));
  const best = Math.max(...candidates.map(rank));
  if (best > 0) return candidates.filter((each) => rank(each) === best);
  const there = candidates.map(({ platform }) => (platform === undefined ? 'unknown' : formatPlatform(platform)));
  throw new CaissonError(
    'PLATFORM_NOT_FOUND',
    `${what} is not for ${formatPlatform(wanted)}, but for ${[...new Set(there)].join(', ') || 'nothing'}`,
  );
}

/** The variant that is meant where none is said. Source: image-spec, image-index.md; containerd/platforms. */
const USUAL_VARIANTS: Readonly<Record<string, number>> = { amd64: 1, arm: 7, arm64: 8 };
const EXACT = 1000;

/** How well something for one platform fits another: not at all (0), or the better the higher. */
function rankPlatform(there: Platform, wanted: Platform): number {
  if (there.os !== wanted.os || there.architecture !== wanted.architecture) return 0;
  const [have, want] = [numberOf(there), numberOf(wanted)];
  if (have === want && (have !== undefined || there.variant === wanted.variant)) return EXACT;
  if (have === undefined || want === undefined) return wanted.variant === undefined ? 1 : 0;
  if (have < want) return EXACT - (want - have);
  return wanted.variant === undefined ? EXACT / 2 - (have - want) : 0;
}

function numberOf({ architecture, variant }: Platform): number | undefined {
  if (variant === undefined) return USUAL_VARIANTS[architecture];
  const version = /^v(\d{1,2})$/.exec(variant)?.[1];
  return version === undefined || USUAL_VARIANTS[architecture] === undefined ? undefined : Number(version);
}
