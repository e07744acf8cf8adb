/** What is looked up before anything is made: what options mean on this machine. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { containerPaths, type Store } from '../../store/places.ts';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import type { Image } from '../image.ts';
import { normalizeContainer, type ResolvedMount } from '../spec/normalize.ts';
import type { ContainerOptions, Mount } from '../spec/options.ts';
import { processFacts } from '../spec/process-facts.ts';
import type { Spec } from '../spec/spec.ts';
import { assertMapped, rememberUserFiles, resolveUser } from '../spec/user.ts';

/**
 * Looks up what a container's options mean on this machine, and decides its spec.
 * @param effect whether what an image makes on demand is made now
 */
export function decideContainer(
  image: Image,
  options: ContainerOptions,
  id: string,
  store: Store,
  effect: 'prepare' | 'describe',
): Spec {
  const { layers, views, mayChange } = image.root(store, effect);
  const asked = options.user ?? image.config.User ?? '';
  const user = resolveUser(asked === '' ? 0 : asked, rememberUserFiles(layers, mayChange));
  const facts = processFacts(effect);
  const spec = normalizeContainer(options, {
    id,
    facts,
    config: image.config,
    user,
    mounts: (options.mounts ?? []).map(resolveMount),
    rootPath: containerPaths(store, id).path,
    layers,
    views,
  });
  assertMapped(user, facts);
  return spec;
}

function resolveMount(mount: Mount, index: number): ResolvedMount {
  if (mount.type === 'tmpfs') return { ...mount, kind: 'directory' };
  const source = resolve(mount.source);
  try {
    return { ...mount, source, kind: statSync(source).isDirectory() ? 'directory' : 'file' };
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) throw cause;
    const message = `mounts[${index}]: there is no '${source}' on this machine to bind at '${mount.target}'`;
    throw new CaissonError('BIND_SOURCE_NOT_FOUND', message, { cause });
  }
}
