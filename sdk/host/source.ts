import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { CaissonError } from '../../syscalls/index.ts';
import { syntheticEtc } from './etc.ts';
import type { HostFacts } from './facts.ts';

/** A directory of this machine that a container sees read-only, below its own writes. */
export interface HostView {
  readonly source: string;
  readonly target: string;
}

/** One thing to make in the skeleton; directories come before what is in them. */
export type SkeletonNode =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | { readonly kind: 'file'; readonly path: string; readonly content: string }
  /** With everything in it, but for what is not public. */
  | { readonly kind: 'copy'; readonly path: string };

/** The host image as data. */
export interface HostImageSource {
  /** Another one when this machine has changed in a way the skeleton shows. */
  readonly fingerprint: string;
  readonly bootId: string;
  readonly nodes: readonly SkeletonNode[];
  readonly views: readonly HostView[];
}

/** The rules by which a skeleton is written: a change of {@link prepareHostSkeleton} that its nodes do not show counts here. */
const FORMAT = 1;

/** Directories programs expect; empty, because what is in them on this machine is private or of no use. */
const DIRECTORIES: readonly (readonly [path: string, mode: number])[] = [
  ...['/dev', '/etc', '/home', '/mnt', '/opt', '/proc', '/run', '/srv', '/sys'].map((path) => [path, 0o755] as const),
  ['/root', 0o700],
  ['/tmp', 0o1777],
  ['/usr', 0o755],
  ...['/var', '/var/cache', '/var/lib', '/var/log'].map((path) => [path, 0o755] as const),
  ['/var/tmp', 0o1777],
];

/**
 * Decides what the host image of a machine consists of: a skeleton to write once, and views of the directories
 * that hold its programs.
 *
 * @throws CaissonError NO_HOST_PROGRAMS when there is no directory with programs.
 */
export function hostImageSource(facts: HostFacts): HostImageSource {
  const views = facts.programs
    .filter(({ kind }) => kind === 'directory')
    .map(({ path }) => ({ source: path, target: path }));
  if (views.length === 0) {
    throw new CaissonError('NO_HOST_PROGRAMS', 'this machine has no /usr to make an image of', {
      hint: 'import an image, or give a directory with Image.directory()',
    });
  }
  const nodes = nodesOf(facts, views);
  const stamps = [...facts.etc, ...facts.watched].map(({ path, stamp }) => [path, stamp]);
  const hash = createHash('sha256').update(JSON.stringify([FORMAT, nodes, views, stamps]));
  return { fingerprint: hash.digest('hex').slice(0, 32), bootId: facts.bootId, nodes, views };
}

function nodesOf(facts: HostFacts, views: readonly HostView[]): readonly SkeletonNode[] {
  const directories = new Map(DIRECTORIES);
  const addDirectory = (path: string) => {
    if (path === '/' || directories.has(path)) return;
    addDirectory(dirname(path));
    directories.set(path, 0o755);
  };
  for (const { target } of views) addDirectory(target);
  for (const { path } of facts.etc) addDirectory(dirname(path));

  const links = facts.programs.flatMap(({ path, target }) => (target === undefined ? [] : [{ path, target }]));
  links.push({ path: '/etc/mtab', target: '/proc/self/mounts' }, { path: '/var/run', target: '/run' });
  const files = Object.entries(syntheticEtc(facts.shell));
  return [
    ...[...directories].map(([path, mode]) => ({ kind: 'directory', path, mode }) as const),
    ...links.map((link) => ({ kind: 'symlink', ...link }) as const),
    ...files.map(([name, content]) => ({ kind: 'file', path: `/etc/${name}`, content }) as const),
    ...facts.etc.map(({ path }) => ({ kind: 'copy', path }) as const),
  ];
}
