/** Limits of resources (man 2 getrlimit), and the capability to raise them. */
import { CAPABILITIES, prlimit64, RLIM_INFINITY, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT64 } from '../../syscalls/index.ts';
import type { Finding } from './fact.ts';

/** What Docker's daemon gives to containers, by systemd's unit of it. */
const USUAL_FILES = 1_048_576n;

/** The hard limits of this process, and whether it may raise them. Pure. */
export function judgeLimits(
  { files, processes }: { readonly files: bigint; readonly processes: bigint },
  mayRaise: boolean,
): Finding {
  const format = (limit: bigint) => (limit === RLIM_INFINITY ? 'any number of' : `at most ${limit}`);
  const summary = `${format(files)} open files, ${format(processes)} processes`;
  if (mayRaise) return { status: 'ok', summary: `${summary}; this process may raise its limits (CAP_SYS_RESOURCE)` };
  if (files >= USUAL_FILES) return { status: 'ok', summary };
  return {
    status: 'limited',
    summary: `${summary}; this process may not raise its limits`,
    remedy:
      'raise the hard limits in /etc/security/limits.conf or by LimitNOFILE= of the service, or run with CAP_SYS_RESOURCE',
  };
}

/**
 * The limits of this process.
 * @param status /proc/self/status
 */
export function probeLimits(isRoot: boolean, status: string): Finding {
  const hardLimit = (resource: number) => {
    const limit = new Uint8Array(RLIMIT64.size);
    prlimit64(0, resource, null, limit);
    return BigInt(RLIMIT64.decode(limit).rlim_max);
  };
  // The capability counts in the first user namespace only.
  const mayRaise = isRoot && hasCapability(status, CAPABILITIES.CAP_SYS_RESOURCE);
  return judgeLimits({ files: hardLimit(RLIMIT_NOFILE), processes: hardLimit(RLIMIT_NPROC) }, mayRaise);
}

/** Whether a capability is in effect, by /proc/PID/status. Pure. */
export function hasCapability(status: string, capability: number): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> BigInt(capability)) & 1n) === 1n;
}
