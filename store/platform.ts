/** Which of the images in an index is this machine's. */
import { CaissonError } from '../syscalls/index.ts';
import { formatPlatform, type Platform } from './manifest.ts';

/** Go's names of the architectures that Node names differently. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** What runs here without an emulator. */
export function machinePlatform(architecture: string = process.arch): Platform {
  return { os: 'linux', architecture: GO_ARCHITECTURES[architecture] ?? architecture };
}

/** Something that is for a platform, or does not say for which. */
export interface ForPlatform {
  readonly platform?: Platform | undefined;
}

/**
 * The candidates for a platform, the best first. Where no variant is wanted, one without is best, but any will do.
 * @throws CaissonError PLATFORM_NOT_FOUND, with the platforms there are
 */
export function selectPlatform<T extends ForPlatform>(candidates: readonly T[], wanted: Platform, what: string): T[] {
  const rank = ({ platform }: T) => (platform === undefined ? 0 : rankPlatform(platform, wanted));
  const fitting = candidates.filter((each) => rank(each) > 0).sort((a, b) => rank(b) - rank(a));
  const best = fitting.filter((each) => rank(each) === rank(fitting[0] as T));
  if (best.length > 0) return best;
  const there = candidates.map(({ platform }) => (platform === undefined ? 'unknown' : formatPlatform(platform)));
  throw new CaissonError(
    'PLATFORM_NOT_FOUND',
    `${what} is not for ${formatPlatform(wanted)}, but for ${[...new Set(there)].join(', ') || 'nothing'}`,
  );
}

function rankPlatform(there: Platform, wanted: Platform): 0 | 1 | 2 {
  if (there.os !== wanted.os || there.architecture !== wanted.architecture) return 0;
  if (variantOf(there) === variantOf(wanted)) return 2;
  return wanted.variant === undefined ? 1 : 0;
}

/** The variants that every machine of the architecture is. */
function variantOf({ architecture, variant }: Platform): string | undefined {
  const basic = architecture === 'arm64' ? 'v8' : architecture === 'amd64' ? 'v1' : undefined;
  return variant === basic ? undefined : variant;
}
