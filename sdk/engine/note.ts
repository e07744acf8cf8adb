/** Notes in the journal of the store what happens to containers. */
import { type ContainerRecord, type EventName, flushEvents, noteEvent, type Store } from '../../store/index.ts';

/** Whose event it is. */
export type EventSubject = Pick<ContainerRecord, 'id' | 'name' | 'labels'> & { readonly image: string };

/** What the journal says of a container with each of its events. */
export function eventPayload({ id, name, labels, image }: ContainerRecord): Buffer {
  return Buffer.from(JSON.stringify({ id, name, image: image.name, labels }));
}

/**
 * Notes an event at once: what a supervisor notes of the same container comes in the right order.
 * @param value a wait status, or a process's id
 * @param more what is said besides
 */
export function note(...[store, ...event]: Parameters<typeof noteSoon>): void {
  noteSoon(store, ...event);
  flushEvents(store);
}

/** {@link note}, together with others of this turn of the event loop. */
export function noteSoon(
  store: Store,
  event: EventName,
  { id, name, image, labels }: EventSubject,
  value = 0,
  more: Readonly<Record<string, unknown>> = {},
): void {
  noteEvent(store, event, value, JSON.stringify({ id, name, image, labels, ...more }));
}
