/** What the probe says. */

/** What is looked at, in the order it is told. */
export type FactName =
  | 'koffi'
  | 'kernel'
  | 'system-calls'
  | 'executable-memfd'
  | 'user-namespaces'
  | 'apparmor'
  | 'subordinate-ids'
  | 'overlay-in-user-namespaces'
  | 'store'
  | 'idmapped-mounts'
  | 'time-namespaces'
  | 'cgroups'
  | 'freezer'
  | 'resource-limits'
  | 'seccomp'
  | 'nftables'
  | 'user-networking'
  | 'tun';

/**
 * - `ok`: all of it is there.
 * - `limited`: some of it is, or caisson does without and less well.
 * - `missing`: what needs it cannot be had.
 */
export type FactStatus = 'ok' | 'limited' | 'missing';

/** What was found of one thing. */
export interface Finding {
  readonly status: FactStatus;
  /** In a line. */
  readonly summary: string;
  /** What the kernel answered, or which files say so. */
  readonly detail?: string | undefined;
  /** What to do to have all of it. A fact that is `ok` has none, another may. */
  readonly remedy?: string | undefined;
}

/** One thing that a machine may have or not. */
export interface Fact extends Finding {
  readonly name: FactName;
  /** What of caisson it is for. */
  readonly neededFor: string;
  /** Whether no container runs without it, as this user. */
  readonly required: boolean;
}

/** What this machine can do for this user. */
export interface Probe {
  /** Whether containers can run at all: nothing that is required is missing. */
  readonly ok: boolean;
  /** Everything that was looked at. */
  readonly facts: readonly Fact[];
  /** One of them: `fact('cgroups').status`. It is no part of the JSON. */
  fact(name: FactName): Fact;
}

/** What each thing is for. */
export const NEEDED_FOR: Readonly<Record<FactName, string>> = {
  koffi: 'every container: it makes the system calls',
  kernel: 'every container',
  'system-calls': 'every container',
  'executable-memfd': 'every container: it starts from one',
  'user-namespaces': "containers without root, and userns: 'auto' with it",
  apparmor: 'containers without root',
  'subordinate-ids': 'more users than one in containers without root',
  'overlay-in-user-namespaces': 'containers without root',
  store: 'images, and what containers change of them',
  'idmapped-mounts': "userns: 'auto' without changing owners on disk",
  'time-namespaces': 'containers with clocks of their own',
  cgroups: 'limits of memory, processors and processes',
  freezer: 'pausing a container in one go',
  'resource-limits': 'ulimits above those of this process',
  seccomp: 'filters of system calls',
  nftables: 'published ports and networks of root',
  'user-networking': 'networks of containers without root',
  tun: 'networks of containers without root',
};

/** Puts findings together. */
export function makeProbe(findings: Readonly<Record<FactName, Finding>>, required: ReadonlySet<FactName>): Probe {
  const names = Object.keys(NEEDED_FOR) as FactName[];
  const facts = names.map((name): Fact => {
    return { name, ...findings[name], neededFor: NEEDED_FOR[name], required: required.has(name) };
  });
  return {
    ok: !facts.some((each) => each.required && each.status === 'missing'),
    facts,
    fact(name) {
      const found = facts.find((each) => each.name === name);
      if (found === undefined) throw new TypeError(`there is no fact '${name}'; there are ${names.join(', ')}`);
      return found;
    },
  };
}
