/** The image that is pulled: Debian as debootstrap makes it, one layer; and one that has a small layer on top. */
import { join } from 'node:path';
import { debianTree } from '../../support/debian-tree.ts';
import { loadCaisson } from '../caisson.ts';
import { runNow } from '../processes.ts';
import type { Workspace } from '../setting.ts';
import { type Registry, startRegistry } from './registry.ts';

/** Images in a registry, and where the content of the first is on this machine's disk. */
export interface Published {
  readonly registry: Registry;
  /** `127.0.0.1:34567/debian:base` */
  readonly base: string;
  /** The base and a small layer. */
  readonly derived: string;
  /** The base's layer, a compressed archive. */
  readonly layer: string;
}

/** Makes the images with caisson and pushes them. @throws when something that this needs is not installed */
export async function publishDebian(workspace: Workspace): Promise<Published> {
  const tree = await debianTree();
  if (tree === undefined) throw new Error('debootstrap is not installed, or not run by root');
  const { Container, Image } = await loadCaisson();
  const root = join(workspace.disk, 'publisher');
  const archive = join(workspace.disk, 'debian.tar');
  runNow(['tar', '-C', tree, '-cf', archive, '.'], { timeoutMs: 120_000 });
  const registry = await startRegistry(workspace.disk);
  try {
    process.env.CAISSON_ROOT = root;
    const [base, derived] = [`${registry.host}/debian:base`, `${registry.host}/debian:derived`];
    const image = await Image.import(archive, { reference: base });
    await image.push();
    await using container = await Container.create(image, { command: ['sh', '-c', 'echo changed > /etc/changed'] });
    await container.start();
    await container.wait();
    await (await container.commit({ reference: derived })).push();
    const [layer] = (await image.inspect()).layers;
    return { registry, base, derived, layer: join(root, 'blobs', (layer?.digest ?? '').replace(':', '/')) };
  } catch (error) {
    registry.close();
    throw error;
  }
}
