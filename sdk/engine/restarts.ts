/** Has an attached container started again by its policy, until somebody asks for its end. */
import type { RestartPolicy } from '../spec/life-options.ts';
import { restartDelay } from './restart.ts';

/** The restarts of one container. */
export class Restarts {
  readonly #policy: RestartPolicy;
  #count = 0;
  #isWanted = false;
  #launchedAt = 0;
  /** The last pause in milliseconds, and the one that is due. */
  #lastDelayMs = 0;
  #dueMs: number | undefined;
  #wake: (() => void) | undefined;

  constructor(policy: RestartPolicy) {
    this.#policy = policy;
  }

  /** How often it was started again since somebody started it. */
  get count(): number {
    return this.#count;
  }

  /** Whether it is to be started again. */
  get isDue(): boolean {
    return this.#dueMs !== undefined;
  }

  /** Somebody starts it. */
  begin(): void {
    this.#isWanted = true;
    this.#count = 0;
    this.#lastDelayMs = 0;
    this.#dueMs = undefined;
  }

  /** It was launched, be it again. */
  launched(): void {
    this.#launchedAt = performance.now();
    this.#dueMs = undefined;
  }

  /** Somebody wants its end: it is not started again, also when it just waits to be. */
  end(): void {
    this.#isWanted = false;
    this.#wake?.();
  }

  /** Decides, when its first process has ended. @param mayBe is asked last: whether nobody elsewhere wants its end */
  decide(waitStatus: number, mayBe: () => boolean): boolean {
    if (!this.#isWanted || this.#policy === 'no') return false;
    const ranMs = performance.now() - this.#launchedAt;
    const delayMs = restartDelay(this.#policy, {
      waitStatus,
      ranMs,
      restarts: this.#count,
      lastDelayMs: this.#lastDelayMs,
    });
    if (delayMs !== undefined && mayBe()) this.#dueMs = delayMs;
    return this.isDue;
  }

  /** Waits until it is time. @returns whether it is still wanted; then it counts as started again */
  async pause(): Promise<boolean> {
    const delayMs = this.#dueMs ?? 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (!this.#isWanted) this.#wake();
    });
    this.#wake = undefined;
    this.#lastDelayMs = delayMs;
    this.#dueMs = undefined;
    if (this.#isWanted) this.#count++;
    return this.#isWanted;
  }
}
