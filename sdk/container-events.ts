/** What happens to the containers of the store, of all processes. */

import type { EventName } from '../store/index.ts';

/** Whose event it is. */
export interface Subject {
  /** Of the container. */
  readonly id: string;
  readonly name: string;
  /** What its image was called. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Something that happened to a container. */
export interface StoreEvent extends Subject {
  readonly type: EventName;
  readonly time: Date;
  /** With `exit`: how its first process ended; one of the two is null. */
  readonly exitCode?: number | null;
  readonly signal?: NodeJS.Signals | null;
  /** With `start` and `exec`: the process's id on the host. */
  readonly pid?: number;
  /** What else there is to say: the command of `exec`, the status of `health`, the target of `mount` … */
  readonly [detail: string]: unknown;
}

/** Which events there are to be. */
export interface EventOptions {
  /** What has happened since then comes first, as far as the journal goes back: some thousand events. @default now */
  readonly since?: Date | undefined;
  /** Ends the iteration when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Which containers' events, and which ones. All of it must be so. @default all */
  readonly filter?: EventFilter | undefined;
}

/** What an event must be like. */
export interface EventFilter {
  readonly type?: EventName | readonly EventName[] | undefined;
  /** A container's name, or its id. */
  readonly container?: string | undefined;
  /** Labels of the container: with these values, or with any where the value is `true`. */
  readonly label?: Readonly<Record<string, string | true>> | undefined;
}
