/** Specs to plan, and ways to look at a plan's steps. */
import type { Wiring } from '../../../sdk/plan/launch.ts';
import { normalizeContainer, type Resolved } from '../../../sdk/spec/normalize.ts';
import type { ContainerOptions } from '../../../sdk/spec/options.ts';
import type { Spec } from '../../../sdk/spec/spec.ts';
import { formatCall, type Step, variable } from '../../../syscalls/index.ts';

export const ROOT = { privileged: true, mappings: { uid: [], gid: [] }, lastCapability: 40 };
const ONE_ID = [{ containerID: 0, hostID: 1000, size: 1 }];
export const ROOTLESS = { privileged: false, mappings: { uid: ONE_ID, gid: ONE_ID }, lastCapability: 40 };

const MANY_IDS = [...ONE_ID, { containerID: 1, hostID: 100_000, size: 65_536 }];
/** Without root, with subordinate ids. */
export const SUBORDINATE = { ...ROOTLESS, mappings: { uid: MANY_IDS, gid: MANY_IDS } };

export const PIPES: Wiring = { stdio: [variable('stdin'), variable('stdout'), variable('stderr')], extra: ['null'] };
export const TERMINAL: Wiring = { stdio: ['null', 'null', 'null'], extra: [variable('terminal socket')] };

/** A spec decided for root, of an image of one layer, with `true` as command; mounts are directories. */
export function specOf(options: ContainerOptions = {}, resolved: Partial<Resolved> = {}): Spec {
  return normalizeContainer(
    { command: ['true'], ...options },
    {
      id: 'abcdef012345'.padEnd(64, '0'),
      facts: ROOT,
      config: {},
      user: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
      mounts: (options.mounts ?? []).map((mount) => ({ ...mount, kind: 'directory' })),
      devices: [],
      etc: { resolvConf: 'nameserver 192.0.2.1\n', isShared: false },
      rootPath: '/store/containers/1',
      layers: ['/store/layers/1'],
      views: [],
      ...resolved,
    },
  );
}

/** The calls among steps as they are printed: `'chdir("/")'`; other steps are ''. */
export function callsOf(steps: readonly Step[]): string[] {
  return steps.map((step) => (step.kind === 'call' ? formatCall(step.call, step.args) : ''));
}

/** Where among steps the first call is that a pattern finds. */
export function first(steps: readonly Step[], pattern: RegExp): number {
  const found = callsOf(steps).findIndex((call) => pattern.test(call));
  if (found === -1) throw new Error(`no step makes a call like ${pattern}`);
  return found;
}

/** Where among steps the last call is that a pattern finds. */
export function last(steps: readonly Step[], pattern: RegExp): number {
  const found = callsOf(steps).findLastIndex((call) => pattern.test(call));
  if (found === -1) throw new Error(`no step makes a call like ${pattern}`);
  return found;
}
