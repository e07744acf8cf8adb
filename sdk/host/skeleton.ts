import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
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
 * Makes the skeleton of the host image in `directory`, named after its fingerprint, or finds it there:
 * 10 µs once a process has asked, under a millisecond before, some 30 ms when it is to be written.
 * Writing is synchronous: it happens once after a change of the machine's packages.
 *
 * Atomic, and safe with several processes at once: the first to finish wins. Needs no privileges.
 * Skeletons of earlier states of the machine are left alone, as containers may be using them.
 */
export async function prepareHostSkeleton(directory: string): Promise<HostSkeleton> {
  source ??= hostImageSource(readHostFacts());
  const { fingerprint, views } = source;
  const lower = join(directory, fingerprint);
  if (!existsSync(lower)) buildSkeleton(source, directory, lower);
  return { lower, views, fingerprint };
}

function buildSkeleton(from: HostImageSource, directory: string, lower: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  removeAbandoned(directory);
  const unfinished = mkdtempSync(join(directory, UNFINISHED));
  try {
    writeSkeleton(from.nodes, unfinished);
    chmodSync(unfinished, 0o755);
    renameSync(unfinished, lower);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another process was first, and its skeleton is the same.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Removes what processes left that ended while they were writing. */
function removeAbandoned(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(UNFINISHED)) continue;
    const path = join(directory, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || Date.now() - stat.mtimeMs < ABANDONED_AFTER_MS) continue;
    rmSync(path, { recursive: true, force: true });
  }
}
