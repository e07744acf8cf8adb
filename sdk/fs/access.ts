/** Keeps an agent among a container's files for as long as somebody uses it, and a little longer. */
import type { Session } from './session.ts';

/** How long an agent stays that nobody uses. To start one takes a millisecond. */
const IDLE_MS = 1000;

/** The same while it keeps others from the files. */
const IDLE_ALONE_MS = 100;

/** What is asked of the container whose files they are. */
export interface AccessParts {
  /** Puts an agent among the files, wherever in its life the container is. */
  enter(): Promise<Session>;
  /** What must be over before that; undefined when nothing must. */
  busy(): Promise<unknown> | undefined;
  /** Whether nobody else gets at the files while the agent is there. @default false */
  isAlone?(): boolean;
  /** The agent has left. */
  left?(): void;
}

/** The access to one container's files. */
export class Access {
  readonly #parts: AccessParts;
  #session: Promise<Session> | undefined;
  #ending: Promise<void> | undefined;
  #idle: NodeJS.Timeout | undefined;
  readonly #tasks = new Set<Promise<unknown>>();

  constructor(parts: AccessParts) {
    this.#parts = parts;
  }

  /** Whether an agent is there or about to be. */
  get isUsed(): boolean {
    return this.#session !== undefined || this.#tasks.size > 0;
  }

  /** Does something with the container's files. */
  async use<T>(task: (session: Session) => Promise<T>): Promise<T> {
    // None of this counts as use: what is waited for may itself wait until nobody uses the files.
    for (let wait = this.#blocked(); wait !== undefined; wait = this.#blocked()) await wait;
    clearTimeout(this.#idle);
    const doing = this.#open().then(task);
    this.#tasks.add(doing);
    try {
      return await doing;
    } finally {
      this.#tasks.delete(doing);
      if (this.#tasks.size === 0 && this.#session !== undefined) this.#endWhenIdle();
    }
  }

  /** Waits for what is being done, and lets the agent go. What is asked for meanwhile waits for that. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** Lets the agent go at once: what is being done fails with AGENT_ENDED. */
  async abandon(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    await session?.agent.close();
    await this.end();
  }

  #endWhenIdle(): void {
    const idleMs = this.#parts.isAlone?.() === true ? IDLE_ALONE_MS : IDLE_MS;
    this.#idle = setTimeout(() => void this.end(), idleMs).unref();
  }

  #blocked(): Promise<unknown> | undefined {
    return this.#ending ?? this.#parts.busy();
  }

  async #open(): Promise<Session> {
    const opening = this.#session ?? this.#parts.enter();
    this.#session = opening;
    const forget = () => {
      if (this.#session === opening) this.#session = undefined;
    };
    const session = await opening.catch((error: unknown) => {
      forget();
      throw error;
    });
    if (session.agent.isOpen) return session;
    // It has ended by itself. Of those who see that, the first lets go of what the agent had.
    if (this.#session === opening) this.#parts.left?.();
    forget();
    return this.#open();
  }

  async #end(): Promise<void> {
    await Promise.allSettled(this.#tasks);
    clearTimeout(this.#idle);
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    await session?.agent.close();
    this.#parts.left?.();
    this.#ending = undefined;
  }
}
