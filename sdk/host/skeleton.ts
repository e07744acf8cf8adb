import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { explainStoreError } from '../../store/places.ts';
import { hasCode } from '../../syscalls/index.ts';
import { readHostFacts } from './facts.ts';
import { type HostImageSource, type HostView, hostImageSource } from './source.ts';
import { writeSkeleton } from './write.ts';

/** The host image, ready to be mounted. */
export interface HostSkeleton {
  /** The directory with everything but the views; the lowest layer of a container's root. Never written to. */
  readonly lower: string;
  /** Directories of this machine, each to be shown at its place through an overlay of its own. */
  readonly views: readonly HostView[];
  readonly fingerprint: string;
}

const UNFINISHED = '.unfinished-';
const ABANDONED_AFTER_MS = 60 * 60 * 1000;

/** This machine as it was when the process first asked. */
let source: HostImageSource | undefined;

/**
 * Makes the skeleton of the host image in `directory`, or finds it there: 20 µs once a process has asked, about a
 * millisecond before, some 50 ms when it is to be written (once after a start of the machine, or a change of its packages).
 * Synchronous, because a start that has to wait for nothing else should not wait for this.
 *
 * Atomic, and safe with several processes at once: the first to finish wins. Needs no privileges.
 * Skeletons of earlier states of the machine are left alone, as containers may be using them.
 *
 * @throws CaissonError NO_HOST_PROGRAMS when this machine has no /usr, STORE_FULL; other errors of `fs` as they are
 */
export function prepareHostSkeleton(directory: string): HostSkeleton {
  const skeleton = describeHostSkeleton(directory);
  if (!existsSync(skeleton.lower)) buildSkeleton(hostSource(), directory, skeleton.lower);
  return skeleton;
}

/** The skeleton that {@link prepareHostSkeleton} would make or find; nothing is written. */
export function describeHostSkeleton(directory: string): HostSkeleton {
  const { fingerprint, bootId, views } = hostSource();
  // Nothing is fsynced, which would take seconds on a busy disk. What a crash of the machine may have torn is not used
  // after it: the next start has another name for it.
  return { lower: join(directory, `${fingerprint}-${bootId.slice(0, 8)}`), views, fingerprint };
}

function hostSource(): HostImageSource {
  source ??= hostImageSource(readHostFacts());
  return source;
}

function buildSkeleton({ nodes, fingerprint }: HostImageSource, directory: string, lower: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  removeUnused(directory, fingerprint, basename(lower));
  let unfinished: string | undefined;
  try {
    unfinished = mkdtempSync(join(directory, UNFINISHED));
    writeSkeleton(nodes, unfinished);
    chmodSync(unfinished, 0o755);
    renameSync(unfinished, lower);
  } catch (error) {
    if (unfinished !== undefined) rmSync(unfinished, { recursive: true, force: true });
    // Another process was first, and its skeleton is the same.
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return;
    // What else may fail may be about this machine's files as well.
    throw hasCode(error, 'ENOSPC', 'EDQUOT')
      ? explainStoreError(error, 'making the image of this machine', lower)
      : error;
  }
}

/** Removes this skeleton as earlier starts of the machine had it, and what processes left that ended while writing. */
function removeUnused(directory: string, fingerprint: string, current: string): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const isEarlier = name.startsWith(fingerprint) && name !== current;
    if (isEarlier || (name.startsWith(UNFINISHED) && isAbandoned(path))) rmSync(path, { recursive: true, force: true });
  }
}

function isAbandoned(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > ABANDONED_AFTER_MS;
}
