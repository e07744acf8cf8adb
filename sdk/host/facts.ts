import { lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { readBootId } from '../../store/places.ts';
import { COPIED_NAMES, COPIED_PATTERNS, WATCHED_PATHS } from './etc.ts';

/** Something that is on this machine. */
export interface HostEntry {
  /** Absolute, as inside of a container. */
  readonly path: string;
  readonly kind: 'directory' | 'file' | 'symlink';
  /** Where a symbolic link leads, as written in it. */
  readonly target?: string;
  /** Another one after a change. */
  readonly stamp: string;
}

/** What the host image of a machine depends on. */
export interface HostFacts {
  /** Those of /usr, /bin, /lib64… and the stores of Nix and Guix that are there. */
  readonly programs: readonly HostEntry[];
  /** What of /etc is copied. */
  readonly etc: readonly HostEntry[];
  /** What is only watched for changes. */
  readonly watched: readonly HostEntry[];
  /** The login shell of root. */
  readonly shell: string;
  /** The kernel's random name for the time since it was started; empty where there is none to read. */
  readonly bootId: string;
}

/** Where installed programs and their libraries are; which of the short ones are links into /usr depends on the system. */
const PROGRAM_PATHS = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'],
  ...['/nix/store', '/gnu/store'],
];

/**
 * Looks at this machine: some forty lstat calls, synchronous because that takes about a millisecond.
 *
 * @param host the root directory of the machine; not the real one in tests.
 */
export function readHostFacts(host = ''): HostFacts {
  const present = readdirSync(`${host}/etc`);
  const versioned = present.filter((name) => COPIED_PATTERNS.some((pattern) => pattern.test(name))).sort();
  // Half of the names are those of other distributions: one readdir saves their lstat calls.
  const first = new Set(present);
  const named = COPIED_NAMES.filter((name) => first.has(name.split('/', 1)[0] ?? name));
  const bash = statSync(`${host}/bin/bash`, { throwIfNoEntry: false });
  return {
    programs: entriesOf(host, PROGRAM_PATHS),
    etc: entriesOf(
      host,
      [...named, ...versioned].map((name) => `/etc/${name}`),
    ),
    watched: entriesOf(host, WATCHED_PATHS),
    shell: bash === undefined ? '/bin/sh' : '/bin/bash',
    bootId: readBootId(),
  };
}

function entriesOf(host: string, paths: readonly string[]): readonly HostEntry[] {
  return paths.map((path) => entryOf(host, path)).filter((entry) => entry !== undefined);
}

function entryOf(host: string, path: string): HostEntry | undefined {
  const stat = lstatSync(host + path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const stamp = `${stat.mtimeMs} ${stat.size} ${stat.mode}`;
  if (stat.isSymbolicLink()) return { path, kind: 'symlink', target: readlinkSync(host + path), stamp };
  if (stat.isDirectory()) return { path, kind: 'directory', stamp };
  return stat.isFile() ? { path, kind: 'file', stamp } : undefined;
}
