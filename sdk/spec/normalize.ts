/** User input → complete value. Pure: ids, user and mounts were looked up before. */

import type { ImageConfig } from '../../store/index.ts';
import { isMapped } from '../../store/places.ts';
import { CaissonError } from '../../syscalls/index.ts';
import {
  DEFAULT_CAPABILITIES,
  DEFAULT_DEVICES,
  DEFAULT_PATH,
  MASKED_PATHS,
  READONLY_PATHS,
  standardMounts,
} from './defaults.ts';
import type { ContainerOptions, Mount, ProcessOptions } from './options.ts';
import type { ProcessFacts } from './process-facts.ts';
import type { NamespaceType, RootView, Spec, SpecMount, SpecProcess, SpecUser } from './spec.ts';

/** The group of terminals, by Linux's convention. */
const TTY_GROUP = 5;

/** How much of a container's id is enough to tell it by: its default hostname and name. */
export const SHORT_ID_LENGTH = 12;

/** What was looked up for a container before its spec can be decided. */
export interface Resolved {
  readonly id: string;
  readonly facts: ProcessFacts;
  readonly config: ImageConfig;
  readonly user: ResolvedUser;
  /** The mounts of the options, in their order. */
  readonly mounts: readonly ResolvedMount[];
  /** The host directory that the root is mounted on. */
  readonly rootPath: string;
  readonly layers: readonly string[];
  readonly views: readonly RootView[];
}

/** A user of a container, found in its own files. */
export interface ResolvedUser extends SpecUser {
  readonly home: string;
}

/** A mount whose source was looked at. */
export type ResolvedMount = Mount & { readonly kind: 'file' | 'directory' };

/** Decides everything about a container. */
export function normalizeContainer(options: ContainerOptions, resolved: Resolved): Spec {
  const { facts, user, config } = resolved;
  const hostname = options.hostname ?? resolved.id.slice(0, SHORT_ID_LENGTH);
  const { uid, gid } = facts.mappings;
  return {
    ociVersion: '1.2.0',
    hostname,
    root: {
      path: resolved.rootPath,
      readonly: options.readOnly ?? false,
      layers: resolved.layers,
      upper: options.upper ?? 'disk',
      views: resolved.views,
    },
    process: normalizeProcess(options, {
      user,
      args: commandOf(options, config),
      env: [...(config.Env ?? []), `HOSTNAME=${hostname}`],
      cwd: config.WorkingDir === '' ? undefined : config.WorkingDir,
      lastCapability: facts.lastCapability,
      init: options.init ?? false,
    }),
    mounts: [...standardMounts(isMapped(TTY_GROUP, gid) ? TTY_GROUP : undefined), ...resolved.mounts.map(specMount)],
    linux: {
      namespaces: namespacesOf(options, facts).map((type) => ({ type })),
      uidMappings: uid,
      gidMappings: gid,
      devices: DEFAULT_DEVICES,
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
    },
  };
}

/** What a process has before its own options are looked at. */
export interface ProcessDefaults {
  readonly user: ResolvedUser;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string | undefined;
  readonly lastCapability: number;
  readonly init?: boolean;
}

/** Decides everything about one process of a container. */
export function normalizeProcess(options: ProcessOptions, defaults: ProcessDefaults): SpecProcess {
  const { user, args } = defaults;
  const terminal = options.tty !== undefined && options.tty !== false;
  const size = typeof options.tty === 'object' ? options.tty : undefined;
  return {
    terminal,
    consoleSize: size === undefined ? undefined : { height: size.rows, width: size.columns },
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args,
    env: environment(options, defaults, terminal),
    cwd: options.workdir ?? defaults.cwd ?? '/',
    capabilities: DEFAULT_CAPABILITIES,
    lastCapability: defaults.lastCapability,
    init: defaults.init ?? false,
  };
}

/** Docker's rules: an entrypoint given replaces the image's entrypoint and command; a command, the command. */
function commandOf({ entrypoint, command }: ContainerOptions, config: ImageConfig): readonly string[] {
  const args = [
    ...(entrypoint ?? config.Entrypoint ?? []),
    ...(command ?? (entrypoint === undefined ? (config.Cmd ?? []) : [])),
  ];
  if (args.length === 0) {
    throw new CaissonError('NO_COMMAND', 'the image has neither an entrypoint nor a command, and none was given', {
      hint: "give one: { command: ['sh'] }",
    });
  }
  return args;
}

/** Later names win; HOME, PATH and TERM are only what nobody else has set. */
function environment({ env = {} }: ProcessOptions, { user, env: base }: ProcessDefaults, terminal: boolean): string[] {
  const variables = new Map<string, string>([
    ['PATH', DEFAULT_PATH],
    ['HOME', user.home],
    ...(terminal ? [['TERM', 'xterm'] as const] : []),
  ]);
  for (const variable of base) {
    const [name = '', ...value] = variable.split('=');
    variables.set(name, value.join('='));
  }
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) variables.delete(name);
    else variables.set(name, value);
  }
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function specMount(mount: ResolvedMount): SpecMount {
  const readOnly = mount.readOnly === true ? ['ro'] : [];
  if (mount.type === 'bind') {
    const { target, source, kind } = mount;
    return { destination: target, type: 'bind', source, options: ['rbind', ...readOnly], kind };
  }
  const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
  const mode = `mode=${(mount.mode ?? 0o1777).toString(8)}`;
  return { destination: mount.target, type: 'tmpfs', options: ['nosuid', 'nodev', mode, ...size, ...readOnly] };
}

function namespacesOf({ network }: ContainerOptions, { privileged }: ProcessFacts): NamespaceType[] {
  return [
    ...(privileged ? [] : (['user'] as const)),
    'mount',
    'pid',
    'ipc',
    'uts',
    'cgroup',
    ...(network === 'host' ? [] : (['network'] as const)),
  ];
}
