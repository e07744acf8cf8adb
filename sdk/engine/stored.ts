/** What is known of containers by what is on disk: those there are, and those that are made to be nobody's. */
import {
  type ContainerRecord,
  createContainerDirectory,
  inheritRoot,
  readContainerRecord,
  type Store,
} from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import { Image } from '../image.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { note } from './note.ts';
import { describeContainer, recordedImage, recordedOptions } from './recorded.ts';
import { StoredLife } from './stored-life.ts';
import type { StoredParts } from './stored-spec.ts';
import { usesOfContainer } from './volumes.ts';

/** What a detached container is made of. */
export interface NewDetached {
  readonly id: string;
  readonly name: string;
  readonly image: Image;
  readonly options: ContainerOptions;
  readonly store: Store;
  /** Whether it is swept when this process dies before it has started. */
  readonly isStarting: boolean;
}

/**
 * Makes the directory of a detached container.
 * @throws CaissonError NAME_TAKEN, STORE_FULL, STORE_NOT_WRITABLE; then nothing is left
 */
export function createDetached(parts: NewDetached): StoredParts {
  const { id, image, options, store, isStarting } = parts;
  const given = {
    ...describeContainer(parts, new Date()),
    uses: usesOfContainer(image, options, store),
    isOwned: isStarting,
  };
  const { upper } = createContainerDirectory(store, id, given);
  const record = readContainerRecord(store, id) as ContainerRecord;
  if (image.origin.kind === 'snapshot') inheritRoot(image.origin.layers.at(-1) as string, upper);
  note(store, 'create', { ...record, image: image.name });
  return { store, record, image, options };
}

/** What a container of the store consists of. */
export function storedParts(store: Store, record: ContainerRecord): StoredParts {
  return { store, record, image: imageOf(store, record), options: recordedOptions(store, record) };
}

/** A damaged image must not hide the containers of it. */
function imageOf(store: Store, { image, uses }: ContainerRecord): Image {
  try {
    return recordedImage(store, image, uses.layers);
  } catch (error) {
    if (!(error instanceof CaissonError)) throw error;
    const origin = image.origin.kind === 'stored' ? { ...image.origin, layers: [] } : ({ kind: 'host' } as const);
    return Image.ofRecord(image.name, {}, origin);
  }
}

export { StoredLife };
