/**
 * What is one for a thread, however many copies of caisson it has loaded: two that packages have installed, or one for
 * each test file, as Jest loads modules anew for each. A copy has functions of its own; what it has opened, locked
 * or named is the thread's.
 */

/** Raised whenever what is shared changes its shape: then copies of two releases share nothing, as two processes. */
const STATE = Symbol.for('caisson.state.2');

/** Node's own, of this thread. What Jest shows as `process` is another for each test file, and tells nobody of the exit. */
const thread = process.getBuiltinModule('node:process') as NodeJS.Process & { [STATE]?: Map<string, object> };

/**
 * The state of that name, made by the first copy that asks.
 * @internal
 */
export function shared<T extends object>(name: string, initial: () => T): T {
  thread[STATE] ??= new Map();
  let state = thread[STATE].get(name);
  if (state === undefined) {
    state = initial();
    thread[STATE].set(name, state);
  }
  return state as T;
}

/**
 * Has something done, synchronously, when this thread ends by itself.
 * @internal
 */
export function atExit(action: () => void): void {
  thread.once('exit', action);
}

/**
 * Makes `instanceof` hold for a class's objects whichever copy made them. Subclasses are told apart as ever.
 *
 * @param name that of the class, the same in all copies
 * @internal
 */
export function acrossCopies(type: { readonly prototype: object }, name: string): void {
  const brand = Symbol.for(`caisson.${name}`);
  Object.defineProperty(type.prototype, brand, { value: true });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== type) return Function.prototype[Symbol.hasInstance].call(this as never, value);
      return typeof value === 'object' && value !== null && brand in value;
    },
  });
}
