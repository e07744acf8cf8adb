/** A promise that is settled from outside, once. Who never waits for it is told of no rejection. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #settle: ((value: T | PromiseLike<T> | undefined) => void) | undefined;

  constructor() {
    this.promise = new Promise<T>((resolve) => {
      this.#settle = resolve as typeof this.settle;
    });
    this.promise.catch(() => undefined);
  }

  get isSettled(): boolean {
    return this.#settle === undefined;
  }

  settle(value: T | PromiseLike<T> | undefined): void {
    this.#settle?.(value);
    this.#settle = undefined;
  }
}
