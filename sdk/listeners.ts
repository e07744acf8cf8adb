/** Who listens to a container: what is not this thread's is watched only for somebody. */
import type { EventEmitter } from 'eventemitter3';
import type { ContainerEvents } from './container-info.ts';

const CHANGES = ['on', 'addListener', 'once', 'off', 'removeListener', 'removeAllListeners'] as const;

/**
 * Calls back whenever listeners have come or gone, which an emitter of eventemitter3 does not tell.
 * @returns tells whether an event has listeners
 */
export function onListeners(
  emitter: EventEmitter<ContainerEvents>,
  changed: () => void,
): (event: keyof ContainerEvents) => boolean {
  for (const name of CHANGES) {
    const change = emitter[name] as (...args: unknown[]) => unknown;
    const value = (...args: unknown[]) => {
      const result = change.apply(emitter, args);
      changed();
      return result;
    };
    Object.defineProperty(emitter, name, { value });
  }
  return (event) => emitter.listenerCount(event) > 0;
}
