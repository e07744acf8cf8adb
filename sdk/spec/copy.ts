/** Options that nobody else can change. */
import { copyReadiness } from '../ready/index.ts';
import type { ContainerOptions } from './options.ts';

/** What the caller changes later, or shares with another container, is not ours (CVE-2021-21334). */
export function copyOptions(options: ContainerOptions): ContainerOptions {
  const { env, groups, command, entrypoint, mounts, namespaces, timeOffsets, ready, healthCheck } = options;
  return {
    ...options,
    ...(env && { env: { ...env } }),
    ...(groups && { groups: [...groups] }),
    ...(command && { command: [...command] }),
    ...(entrypoint && { entrypoint: [...entrypoint] }),
    ...(namespaces && { namespaces: { ...namespaces } }),
    ...(timeOffsets && { timeOffsets: { ...timeOffsets } }),
    ...(ready && { ready: copyReadiness(ready) }),
    ...(healthCheck && { healthCheck: { ...healthCheck } }),
    ...(mounts && { mounts: mounts.map((mount) => ({ ...mount })) }),
  };
}
