/** /etc/hosts, /etc/hostname and /etc/resolv.conf of one container, as Docker writes them. Pure. */

import type { Mount } from './mount-options.ts';
import { fileMount, plainPath } from './mounts.ts';
import type { ContainerOptions } from './options.ts';
import type { SpecMount } from './spec.ts';

/** What the files depend on besides the options. */
export interface EtcFacts {
  /** The /etc/resolv.conf that is made its own. */
  readonly resolvConf: string;
  /** The /etc/hosts of the network that is shared; undefined where it is the container's own. */
  readonly hosts?: string | undefined;
  /** Whether what is said of the network holds for the container as it is: it shares the network that it was said of. */
  readonly isShared: boolean;
}

/** The names that every machine has for itself. */
const LOCAL = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

/** The files as mounts. A place that something else is mounted at stays that mount's. */
export function etcMounts(
  { hosts = {}, dns, readOnly }: Pick<ContainerOptions, 'hosts' | 'dns' | 'readOnly'>,
  hostname: string,
  facts: EtcFacts,
  mounts: readonly Mount[],
): SpecMount[] {
  const files = {
    '/etc/hosts': formatHosts(hosts, hostname, facts.hosts),
    '/etc/hostname': `${hostname}\n`,
    '/etc/resolv.conf': formatResolvConf(facts, dns),
  };
  const taken = new Set(mounts.map(({ target }) => plainPath(target)));
  return Object.entries(files)
    .filter(([target]) => !taken.has(target))
    .map(([target, content]) => ({ ...fileMount({ type: 'file', target, content, readOnly }), standard: true }));
}

/** The own name leads to the loopback: there is no other address yet. */
function formatHosts(hosts: Readonly<Record<string, string>>, hostname: string, shared: string | undefined): string {
  const added = Object.entries(hosts).map(([name, address]) => `${address}\t${name}`);
  if (shared !== undefined) return `${shared}${shared === '' || shared.endsWith('\n') ? '' : '\n'}${lines(added)}`;
  return lines([...LOCAL, ...(hostname === '' ? [] : [`127.0.0.1\t${hostname}`]), ...added]);
}

/** Nameservers on the loopback are the machine's own, which another network does not reach. */
function formatResolvConf({ resolvConf, isShared }: EtcFacts, dns: readonly string[] | undefined): string {
  if (isShared && dns === undefined) return resolvConf;
  const kept = resolvConf.split('\n').filter((line) => {
    const server = nameserverOf(line);
    return server === undefined ? line !== '' : dns === undefined && !isLoopback(server);
  });
  return lines([...(dns ?? []).map((server) => `nameserver ${server}`), ...kept]);
}

/** The address in a line of resolv.conf(5) that names a server. */
function nameserverOf(line: string): string | undefined {
  return /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
}

/** Whether an address is that of the machine itself. */
export function isLoopback(address: string): boolean {
  return /^127\.|^::1(%|$)|^0\.0\.0\.0$/.test(address);
}

function lines(text: readonly string[]): string {
  return text.map((line) => `${line}\n`).join('');
}
