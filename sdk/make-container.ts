/** Makes containers, attached and detached, up to where they can be started. */
import { storeRoot } from '../store/root.ts';
import { attachedContainers } from './attached-containers.ts';
import type { Container } from './container.ts';
import type { LifeParts } from './engine/attached-record.ts';
import type { Life, LifeListener } from './engine/life.ts';
import type { NewDetached } from './engine/stored.ts';
import type { Image } from './image.ts';
import type { StartOptions } from './ready/start.ts';
import { checkContainerOptions, checkImage } from './spec/check.ts';
import { copyOptions } from './spec/copy.ts';
import type { ContainerOptions } from './spec/options.ts';
import { SHORT_ID_LENGTH } from './spec/short-id.ts';

/** What a container needs once there is one. */
export type Runtime = typeof import('./runtime.ts');

/** What a container's object is built of. */
export interface ContainerParts {
  readonly image: Image;
  readonly runtime: Runtime;
  /** What a start waits for, of a container that is made here. */
  readonly waits: StartOptions;
  live(listener: LifeListener): Life;
}

/** Builds a container's object: its constructor is nobody's but its own. */
export type Build = (parts: ContainerParts) => Container;

/**
 * Makes a container.
 *
 * @param next what is to be done with it at once. One that is started is of no use to anybody when this process dies before
 * it runs; and its process is made ahead, while the rest is decided
 * @throws TypeError for an option that cannot be meant
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE, NAME_TAKEN; then nothing is left
 */
export async function makeContainer(
  image: Image,
  options: ContainerOptions,
  next: 'run' | 'start' | undefined,
  build: Build,
): Promise<Container> {
  checkImage(image);
  checkContainerOptions(options);
  options.signal?.throwIfAborted();
  const copied = copyOptions(options);
  const root = storeRoot();
  const runtime = await loadRuntime();
  const store = runtime.openStore(root);
  await runtime.sweepOnce(store);
  const begun = isStartedAtOnce(next, image, copied)
    ? runtime.beginContainer(copied, next === 'run' ? 'ignore' : 'pipe')
    : undefined;
  try {
    const id = newId();
    const name = copied.name ?? id.slice(0, SHORT_ID_LENGTH);
    const parts = { id, name, image, options: copied, store };
    const container = await makeNew({ ...parts, isStarting: next !== undefined, begun }, runtime, build);
    await runtime.prepareVolumes(parts, () => container.remove());
    // After all microtasks, and so when the caller has the container and may have listened.
    process.nextTick(() => container.emit('created'));
    return container;
  } catch (error) {
    await begun?.abandon();
    throw error;
  }
}

/** Volumes are filled first, which may take long: its process is to see this machine as it is when that is done. */
function isStartedAtOnce(
  next: 'run' | 'start' | undefined,
  { config }: Image,
  { mounts = [] }: ContainerOptions,
): boolean {
  return next !== undefined && config.Volumes === undefined && !mounts.some(({ type }) => type === 'volume');
}

async function makeNew(
  parts: NewDetached & Pick<LifeParts, 'begun'>,
  runtime: Runtime,
  build: Build,
): Promise<Container> {
  const { id, image, options, store } = parts;
  const built = { image, runtime, waits: options };
  if (options.detach === true) return build({ ...built, live: await liveDetached(parts, runtime) });
  const attach = () => build({ ...built, live: (listener) => new runtime.AttachedLife({ ...parts, listener }) });
  const container = await runtime.claimingName(store, attach);
  attachedContainers.set(id, container);
  return container;
}

async function liveDetached(parts: NewDetached, runtime: Runtime): Promise<ContainerParts['live']> {
  const { createDetached, StoredLife } = await import('./stored-runtime.ts');
  const stored = await runtime.claimingName(parts.store, () => createDetached(parts));
  return (listener) => new StoredLife(stored, listener);
}

let runtime: Runtime | undefined;

/** Loads what a container needs, once. */
export async function loadRuntime(): Promise<Runtime> {
  runtime ??= await import('./runtime.ts');
  return runtime;
}

/** 64 hexadecimal digits, as Docker's. Node draws the randomness of UUIDs ahead, so this costs a hundredth of randomBytes. */
function newId(): string {
  const { randomUUID } = process.getBuiltinModule('node:crypto');
  return `${randomUUID()}${randomUUID()}`.replaceAll('-', '');
}
