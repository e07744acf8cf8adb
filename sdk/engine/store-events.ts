/** The journal of the store, told as events. */
import { flushEvents, followEvents, type JournalEntry, openStore } from '../../store/index.ts';
import type { EventFilter, EventOptions, StoreEvent, Subject } from '../container-events.ts';
import { exitStatusOf } from './exit-status.ts';

/** What happens to the containers of the store: {@link Container.events} */
export async function* storeEvents({ since, signal, filter = {} }: EventOptions): AsyncGenerator<StoreEvent, void> {
  const store = openStore();
  flushEvents(store);
  // A supervisor goes on with the name that the container had when it was started.
  const renamed = new Map<string, string>();
  for await (const entry of followEvents(store, { since, signal })) {
    const parsed = parseEvent(entry);
    if (parsed?.type === 'rename') renamed.set(parsed.id, parsed.name);
    const event = parsed && { ...parsed, name: renamed.get(parsed.id) ?? parsed.name };
    if (parsed?.type === 'remove') renamed.delete(parsed.id);
    if (event !== undefined && isWanted(event, filter)) yield event;
  }
}

/** An entry of the journal as an event; undefined for one that is damaged. */
function parseEvent({ name, time, value, payload }: JournalEntry): StoreEvent | undefined {
  let details: Subject;
  try {
    details = JSON.parse(payload.toString('utf8')) as Subject;
  } catch {
    return undefined;
  }
  const event = { ...details, type: name, time };
  if (name === 'exit') return { ...event, ...exitStatusOf(value) };
  return name === 'start' || name === 'exec' ? { ...event, pid: value } : event;
}

/** Whether an event passes a filter. */
export function isWanted(event: StoreEvent, { type, container, label = {} }: EventFilter): boolean {
  if (type !== undefined && ![type].flat().includes(event.type)) return false;
  if (container !== undefined && container !== event.id && container !== event.name) return false;
  const has = ([key, value]: [string, string | true]) =>
    Object.hasOwn(event.labels, key) && (value === true || event.labels[key] === value);
  return Object.entries(label).every(has);
}
