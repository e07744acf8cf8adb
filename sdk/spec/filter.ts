/** Which containers a list is of. */
import type { ContainerState } from '../engine/life.ts';

/** What a container must be like to be listed: all of it. Of what is an array, one must be so. */
export interface ContainerFilter {
  /** Its name, or what that matches. */
  readonly name?: string | RegExp | undefined;
  /** Its id, or the beginning of that. */
  readonly id?: string | undefined;
  /** Labels it has: with these values, or with any where the value is `true`. */
  readonly label?: Readonly<Record<string, string | true>> | undefined;
  /** Where in its life it is; all of them are looked at, as with `all`. */
  readonly status?: ContainerState | readonly ContainerState[] | undefined;
  /** The name of its image, or its digest. */
  readonly image?: string | undefined;
}

/** How containers are listed. */
export interface ListOptions {
  /** Those that do not run, too. @default false */
  readonly all?: boolean | undefined;
  readonly filter?: ContainerFilter | undefined;
}

/** What of a container a filter looks at. */
export interface Filtered {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: { readonly name: string; readonly digest?: string };
  /** Read last: it is a look at the disk. */
  readonly state: ContainerState;
}

const UP: readonly ContainerState[] = ['running', 'paused', 'restarting'];

/** Whether a container is to be listed. */
export function isListed(container: Filtered, { all = false, filter = {} }: ListOptions): boolean {
  const { name, id, label = {}, image, status } = filter;
  if (id !== undefined && !container.id.startsWith(id)) return false;
  if (typeof name === 'string' && container.name !== name) return false;
  if (name instanceof RegExp && container.name.search(name) === -1) return false;
  if (image !== undefined && image !== container.image.name && image !== container.image.digest) return false;
  const has = ([key, value]: [string, string | true]) =>
    Object.hasOwn(container.labels, key) && (value === true || container.labels[key] === value);
  if (!Object.entries(label).every(has)) return false;
  const { state } = container;
  if (status !== undefined) return [status].flat().includes(state);
  return all ? state !== 'removed' : UP.includes(state);
}
