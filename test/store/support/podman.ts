import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Programs of podman's family, with a store and a configuration of their own: nothing of them is on the machine. */
export interface Podman {
  podman(...args: readonly string[]): string;
  buildah(...args: readonly string[]): string;
}

/** Sets podman and buildah up in a directory; what they store is copied and never mounted. */
export function setUpPodman(directory: string): Podman {
  const home = join(directory, 'podman');
  mkdirSync(home);
  const files = {
    'containers.conf': '[engine]\nlock_type = "file"\nevents_logger = "none"\ncgroup_manager = "cgroupfs"\n',
    'storage.conf': `[storage]\ndriver = "vfs"\ngraphroot = "${home}/store"\nrunroot = "${home}/run"\n`,
    'policy.json': '{"default":[{"type":"insecureAcceptAnything"}]}',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(home, name), content);
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    TMPDIR: home,
    CONTAINERS_CONF: join(home, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(home, 'storage.conf'),
  };
  const run = (program: string, args: readonly string[]) =>
    execFileSync(program, args, { encoding: 'utf8', env, cwd: home, stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  return {
    podman: (...args) => run('podman', ['--tmpdir', join(home, 'tmp'), ...args]),
    buildah: (...args) => run('buildah', args),
  };
}
