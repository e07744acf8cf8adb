/** Options that nobody else can change. */
import type { ContainerOptions } from './options.ts';

/** What the caller changes later, or shares with another container, is not ours (CVE-2021-21334). */
export function copyOptions(options: ContainerOptions): ContainerOptions {
  const { env, command, entrypoint, mounts } = options;
  return {
    ...options,
    ...(env && { env: { ...env } }),
    ...(command && { command: [...command] }),
    ...(entrypoint && { entrypoint: [...entrypoint] }),
    ...(mounts && { mounts: mounts.map((mount) => ({ ...mount })) }),
  };
}
