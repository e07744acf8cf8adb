/** User input → complete value. Pure: ids, user and mounts were looked up before. */

import type { ImageConfig } from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import {
  DEFAULT_CAPABILITIES,
  DEFAULT_DEVICES,
  DEFAULT_PATH,
  MASKED_PATHS,
  READONLY_PATHS,
  standardMounts,
} from './defaults.ts';
import { type EtcFacts, etcMounts } from './etc-files.ts';
import { normalizeHealth } from './health.ts';
import { byDepth, type ResolvedDevice, type ResolvedMount, specDevice, specMount } from './mounts.ts';
import { decideNamespaces, type FindJoined, timeOffset } from './namespaces.ts';
import type { ContainerOptions, ProcessOptions } from './options.ts';
import { PAUSE } from './pause.ts';
import type { ProcessFacts } from './process-facts.ts';
import { sharedMemory } from './shared-memory.ts';
import { SHORT_ID_LENGTH } from './short-id.ts';
import {
  makesNamespace,
  type RootView,
  type Spec,
  type SpecDevice,
  type SpecIds,
  type SpecProcess,
  type SpecUser,
} from './spec.ts';

/** What was looked up for a container before its spec can be decided. */
export interface Resolved {
  readonly id: string;
  readonly facts: ProcessFacts;
  readonly config: ImageConfig;
  readonly user: ResolvedUser;
  /** What is mounted besides the standard set, in its order. */
  readonly mounts: readonly ResolvedMount[];
  /** The devices of the options. */
  readonly devices: readonly ResolvedDevice[];
  readonly etc: EtcFacts;
  /** The host directory that the root is mounted on. */
  readonly rootPath: string;
  readonly layers: readonly string[];
  readonly views: readonly RootView[];
  /** The containers whose namespaces it joins. @default it joins none */
  readonly findJoined?: FindJoined | undefined;
  /** Of a UTS namespace that is not its own. */
  readonly hostname?: string | undefined;
  /** How it came to the ids of `facts`. */
  readonly ids?: SpecIds | undefined;
  /** Directories that are shown idmapped. */
  readonly idmapped?: readonly string[] | undefined;
}

/** A user of a container, found in its own files. */
export interface ResolvedUser extends SpecUser {
  readonly home: string;
}

/** Decides everything about a container. */
export function normalizeContainer(options: ContainerOptions, resolved: Resolved): Spec {
  const { facts, user, config } = resolved;
  const hostname = options.hostname ?? resolved.hostname ?? resolved.id.slice(0, SHORT_ID_LENGTH);
  const { uid, gid } = facts.mappings;
  const find = resolved.findJoined ?? nobody;
  const namespaces = decideNamespaces(options, uid.length > 0, find);
  const ownsMounts = makesNamespace({ linux: { namespaces } }, 'mount');
  return {
    ociVersion: '1.2.0',
    hostname,
    root: {
      path: resolved.rootPath,
      readonly: options.readOnly ?? false,
      layers: resolved.layers,
      upper: options.upper ?? 'disk',
      views: resolved.views,
      ...(resolved.idmapped === undefined ? {} : { idmapped: resolved.idmapped }),
    },
    process: {
      ...(PAUSE in options ? { pauses: true } : {}),
      ...normalizeProcess(options, {
        user,
        args: commandOf(options, config),
        env: [...(config.Env ?? []), `HOSTNAME=${hostname}`],
        // The image's is a directory of the image.
        cwd: config.WorkingDir === '' || !ownsMounts ? undefined : config.WorkingDir,
        lastCapability: facts.lastCapability,
        init: options.init ?? false,
      }),
    },
    mounts: ownsMounts
      ? [
          ...standardMounts(gid, sharedMemory(options, find)),
          ...etcMounts(options, hostname, resolved.etc, resolved.mounts),
          ...byDepth(
            resolved.mounts.map((mount, index) => {
              return specMount({ ...mount, isUnchanged: options.propagation === 'unchanged' }, index);
            }),
          ),
        ]
      : [],
    linux: {
      namespaces,
      ...timeOffsetsOf(options),
      ...(options.propagation === undefined ? {} : { rootfsPropagation: options.propagation }),
      uidMappings: uid,
      gidMappings: gid,
      ...(facts.mappedBy === undefined ? {} : { mappedBy: facts.mappedBy }),
      ...(resolved.ids === undefined ? {} : { ids: resolved.ids }),
      devices: devicesOf(resolved.devices.map(specDevice)),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
    },
    health: normalizeHealth(options.healthCheck, config),
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

/** One that is asked for takes the place of one that every container has. */
function devicesOf(asked: readonly SpecDevice[]): SpecDevice[] {
  const paths = new Set(asked.map(({ path }) => path));
  return [...DEFAULT_DEVICES.filter(({ path }) => !paths.has(path)), ...asked];
}

function nobody(): never {
  throw new Error('bug in caisson: a container to join was not looked up');
}

function timeOffsetsOf({ timeOffsets }: ContainerOptions): Pick<Spec['linux'], 'timeOffsets'> {
  if (timeOffsets === undefined) return {};
  const { monotonic, boottime } = timeOffsets;
  return {
    timeOffsets: {
      ...(monotonic === undefined ? {} : { monotonic: timeOffset(monotonic) }),
      ...(boottime === undefined ? {} : { boottime: timeOffset(boottime) }),
    },
  };
}
