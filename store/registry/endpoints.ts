/** Where a repository is: at the registry its name names, at mirrors of it, or somewhere else altogether. */
import { parseReference, type Reference } from '../reference.ts';
import type { RegistryRule } from './options.ts';

/** A repository at a host. */
export interface Endpoint {
  /** With a port where it has one: `registry-1.docker.io`, `localhost:5000`. */
  readonly host: string;
  readonly repository: string;
  /** Whether it is asked first only, and another one has the last word. */
  readonly isMirror: boolean;
}

/** What `docker.io` in names stands for. */
const DOCKER_HUB = 'registry-1.docker.io';

/** The places of a repository in the order in which they are asked; the last one is its own, where pushes go. */
export function endpointsOf({ domain, path }: Reference, rules: readonly RegistryRule[] = []): readonly Endpoint[] {
  const name = `${domain}/${path}`;
  const fitting = rules.filter(({ prefix }) => name === prefix || name.startsWith(`${prefix}/`));
  const rule = fitting.sort((a, b) => b.prefix.length - a.prefix.length)[0];
  if (rule === undefined) return [endpointOf(name, false)];
  const rest = name.slice(rule.prefix.length);
  const mirrors = (rule.mirrors ?? []).map((mirror) => endpointOf(mirror + rest, true));
  return [...mirrors, endpointOf((rule.location ?? rule.prefix) + rest, false)];
}

/** What errors call it: `localhost:5000/me/app`. */
export function formatEndpoint({ host, repository }: Endpoint): string {
  return `${host}/${repository}`;
}

/** Whether a host can only be this machine. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(name);
}

function endpointOf(name: string, isMirror: boolean): Endpoint {
  const { domain, path } = parseReference(name);
  return { host: domain === 'docker.io' ? DOCKER_HUB : domain, repository: path, isMirror };
}
