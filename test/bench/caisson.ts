/** caisson as users get it: the built package, in this process. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from './harness.ts';
import { PACKAGE_ROOT } from './places.ts';
import type { Command } from './processes.ts';
import type { Setting, Workspace } from './setting.ts';

/** The package's exports. */
export type Caisson = typeof import('caisson');

/** Loads what `npm run build` made, not the sources, which tsconfig's paths would give. */
export async function loadCaisson(): Promise<Caisson> {
  const entry = join(PACKAGE_ROOT, 'dist/index.js');
  if (!existsSync(entry)) throw new Error('not built');
  return (await import(entry)) as Caisson;
}

/** Where the store of a bench is: `tmpfs` keeps everything in memory, records too. */
export function useStore(workspace: Workspace, on: 'disk' | 'tmpfs'): void {
  process.env.CAISSON_ROOT = join(workspace[on], 'store');
}

/** How a row of caisson's is called, and whose ids its containers have: by default those that all others have. */
interface Variation {
  readonly name?: string;
  readonly userns?: 'auto' | 'host';
}

/** `Container.run`, from the call to the collected result. */
export function caissonRun(setting: Setting, command: Command, { name = 'caisson', userns }: Variation = {}): Entry {
  return {
    name,
    open: async () => {
      const { Container, Image } = await loadCaisson();
      const image = Image.directory(setting.workspace.rootfs);
      const ids = userns ?? (setting.rootless ? 'auto' : 'host');
      const options = { network: setting.network, upper: setting.upper, userns: ids };
      const sample = async () => {
        useStore(setting.workspace, 'disk');
        const begin = performance.now();
        const { exitCode } = await Container.run(image, command, options);
        const elapsedMs = performance.now() - begin;
        if (exitCode !== 0) throw new Error(`ended with ${exitCode}`);
        return elapsedMs;
      };
      return { sample };
    },
  };
}

/** The same with the whole store in memory: the limit's own circumstances when its upper directory is on a tmpfs. */
export function caissonRunInMemory(setting: Setting, command: Command): Entry {
  const inMemory: Setting = {
    ...setting,
    upper: 'disk',
    workspace: { ...setting.workspace, disk: setting.workspace.tmpfs },
  };
  return caissonRun(inMemory, command, { name: 'caisson, store on tmpfs' });
}
