/** What a user may ask of a pod. */
import type { Image } from '../image.ts';
import type { UserNamespaceOption } from './namespace-options.ts';
import type { ContainerOptions } from './options.ts';

/** What containers of a pod can share. */
export type SharedNamespace = 'network' | 'ipc' | 'pid' | 'uts';

/** A container of a pod: its options, but for what the pod decides. */
export interface PodContainer extends Omit<ContainerOptions, 'network' | 'userns' | 'detach'> {
  /** @default that of the first container */
  readonly image?: Image | undefined;
}

/** Options of {@link Pod.start}. */
export interface PodOptions<Name extends string = string> {
  /** At least one; the first has an image. They are started in this order. */
  readonly containers: Readonly<Record<Name, PodContainer>>;
  /** @default ['network', 'ipc'] */
  readonly share?: readonly SharedNamespace[] | undefined;
  /** What the containers' names in the store begin with. @default they have names of their own */
  readonly name?: string | undefined;
  /** Of all containers, where they share `uts`. @default the beginning of an id */
  readonly hostname?: string | undefined;
  /** Added to the /etc/hosts of all. Where they share the network, their names are there: 127.0.0.1. */
  readonly hosts?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** @default 'auto' */
  readonly userns?: UserNamespaceOption | undefined;
  /** Ends all of it when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}
