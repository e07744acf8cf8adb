/** What an attached container's owner notes of how far it is, for whoever else looks at the store. */
import { type CellState, CellWriter, CREATED, containerPaths, type Store } from '../../store/index.ts';
import { CaissonError, hasCode } from '../../syscalls/index.ts';

/** The state cell of one container, written by this thread. */
export class StateNote {
  readonly #path: string;
  #writer: CellWriter | undefined;
  #state: CellState = CREATED;

  constructor(store: Store, id: string) {
    this.#path = containerPaths(store, id).state;
  }

  /**
   * Opens the cell, before there is a process.
   * @throws CaissonError CONTAINER_REMOVED when another process has removed the container
   */
  open(): void {
    try {
      this.#writer ??= new CellWriter(this.#path, this.#state);
    } catch (cause) {
      if (!hasCode(cause, 'ENOENT', 'ENOTDIR')) throw cause;
      throw new CaissonError(
        'CONTAINER_REMOVED',
        `the container was removed by another process: there is no '${this.#path}'`,
        {
          cause,
        },
      );
    }
  }

  /** Notes that there is a first process. */
  begin(pid: number, restarts: number): void {
    this.#writer?.write({ phase: 'running', pid, startedAt: new Date(), status: 0, restarts, finishedAt: null });
  }

  /** Notes how it ended, while its id is not another's yet. */
  end(status: number, isRestarted: boolean): void {
    this.#writer?.write({ phase: isRestarted ? 'waiting' : 'exited', status, finishedAt: new Date() });
    if (!isRestarted) this.close();
  }

  /** Notes that it is not started again after all. */
  giveUp(): void {
    this.#writer?.write({ phase: 'exited' });
    this.close();
  }

  /** Lets go of the cell until the next start. */
  close(): void {
    if (this.#writer === undefined) return;
    this.#state = this.#writer.state;
    this.#writer.close();
    this.#writer = undefined;
  }
}
