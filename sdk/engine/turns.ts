/** Things that are done one after the other, in the order in which they were asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;

  /** Whether nothing is being done and nothing waits to be. */
  get isOver(): boolean {
    return this.#count === 0;
  }

  /** Does something when all that was asked for before is done. */
  take<T>(action: () => Promise<T>): Promise<T> {
    this.#count++;
    const done = this.#last.then(action).finally(() => this.#count--);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when all that was asked for until now is done, be it that it failed. */
  async over(): Promise<void> {
    await this.#last;
  }
}
