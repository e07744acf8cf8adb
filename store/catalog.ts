/**
 * `index.json`: which images there are. It has one descriptor per name, and one without a name for an image that has
 * none. It is read by anybody at any time, and changed under a lock; other tools write to it as well, and what they
 * wrote and this does not know stays.
 */
import { readFileSync } from 'node:fs';
import { CaissonError } from '../syscalls/index.ts';
import { writeFileAtomically } from './atomic.ts';
import { asObject, type JsonObject, parseDocument } from './json.ts';
import { explainStoreError, type Store } from './layout.ts';
import { withLock } from './lock.ts';
import { type Descriptor, readIndex } from './manifest.ts';
import { temporaryPath } from './owner.ts';
import { formatReference, parseReference } from './reference.ts';

/** The annotations that hold an image's name: OCI's, which skopeo and umoci select by, and containerd's. */
export const NAME_ANNOTATIONS = ['org.opencontainers.image.ref.name', 'io.containerd.image.name'] as const;

/** The index, locked for a change. */
export interface OpenCatalog {
  readonly entries: readonly Descriptor[];
  /** Puts others in their place; they are on the disk when this returns. */
  write(entries: readonly Descriptor[]): void;
}

/**
 * The entries of the index, in the order in which they came.
 * @throws CaissonError IMAGE_INVALID when somebody has damaged it
 */
export function readCatalog(store: Store): readonly Descriptor[] {
  return readDocument(store).entries;
}

/**
 * Changes the index, while nobody else changes it.
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE; then it is as it was
 */
export async function withCatalog<T>(store: Store, action: (catalog: OpenCatalog) => T | Promise<T>): Promise<T> {
  try {
    return await withLock(`${store.locks}/index.lock`, () => {
      const { document, entries } = readDocument(store);
      const before = JSON.stringify(document);
      return action({
        entries,
        write(manifests) {
          const after = JSON.stringify({ ...document, manifests });
          if (after !== before) writeFileAtomically(temporaryPath(store), store.index, after);
        },
      });
    });
  } catch (error) {
    throw explainStoreError(error, 'changing which images there are', store.index);
  }
}

/** The complete name of an entry of somebody's index; undefined where it has none, or only a tag. */
export function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const [refName, imageName] = NAME_ANNOTATIONS.map((key) => annotations[key]);
  return complete(imageName ?? (refName !== undefined && /[/:]/.test(refName) ? refName : undefined));
}

/**
 * The complete name of an entry of the store. Here a word is a name: that of what `skopeo copy … oci:STORE:alpine`
 * has put there is `docker.io/library/alpine:latest`.
 */
export function storedNameOf({ annotations = {} }: Descriptor): string | undefined {
  const [refName, imageName] = NAME_ANNOTATIONS.map((key) => annotations[key]);
  // Other tools that give an image another name know the first annotation only.
  return complete(refName ?? imageName);
}

/** Whether an entry of the store has a name, also such as only other tools understand. */
export function isNamed({ annotations = {} }: Descriptor): boolean {
  return NAME_ANNOTATIONS.some((key) => annotations[key] !== undefined);
}

/** The names of an image of the store. */
export function referencesTo(entries: readonly Descriptor[], digest: string): string[] {
  const names = entries.filter((each) => each.digest === digest).map(storedNameOf);
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** The entries with an image under these names. What had one of the names stays, without it. */
export function withImage(
  entries: readonly Descriptor[],
  image: Descriptor,
  references: readonly string[],
): readonly Descriptor[] {
  const isTaken = (each: Descriptor) => references.includes(storedNameOf(each) ?? '');
  return [
    ...withoutEntries(entries, isTaken),
    ...references.map((name) => withName(image, name)),
    withoutName(image),
  ].filter(isWanted);
}

/** The entries without the names that some have. An image that had no other stays, without a name. */
export function withoutNames(
  entries: readonly Descriptor[],
  isLosing: (entry: Descriptor) => boolean,
): readonly Descriptor[] {
  return withoutEntries(entries, isLosing).filter(isWanted);
}

function withoutEntries(entries: readonly Descriptor[], isLosing: (entry: Descriptor) => boolean): Descriptor[] {
  return [...entries.filter((each) => !isLosing(each)), ...entries.filter(isLosing).map(withoutName)];
}

/** An entry without a name is only there for an image that has none, and once. */
function isWanted(entry: Descriptor, index: number, entries: readonly Descriptor[]): boolean {
  if (isNamed(entry)) return true;
  const first = entries.find((each) => each.digest === entry.digest && isNamed(each));
  return first === undefined && entries.findIndex((each) => each.digest === entry.digest) === index;
}

/** An entry under a complete name. */
export function withName(descriptor: Descriptor, name: string): Descriptor {
  const { annotations } = withoutName(descriptor);
  return {
    ...descriptor,
    annotations: { ...annotations, ...Object.fromEntries(NAME_ANNOTATIONS.map((key) => [key, name])) },
  };
}

/** An entry without a name. */
export function withoutName({ annotations = {}, ...descriptor }: Descriptor): Descriptor {
  const others = Object.entries(annotations).filter(([key]) => !(NAME_ANNOTATIONS as readonly string[]).includes(key));
  return others.length === 0 ? descriptor : { ...descriptor, annotations: Object.fromEntries(others) };
}

/** Other tools name images as they like; such a name is none here. */
function complete(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  try {
    return formatReference(parseReference(name));
  } catch (error) {
    if (error instanceof CaissonError) return undefined;
    throw error;
  }
}

function readDocument(store: Store): { readonly document: JsonObject; readonly entries: readonly Descriptor[] } {
  return parseDocument(readFileSync(store.index), `'${store.index}'`, (document) => {
    const { manifests } = readIndex(document);
    // With what a descriptor may have besides what is read of it here.
    const written = document.manifests as readonly unknown[];
    return { document, entries: manifests.map((each, at) => ({ ...asObject(written[at], 'manifests'), ...each })) };
  });
}
