/**
 * What the owner of an attached container writes of it in the store: its directory and its name, how far it is, and
 * what happens to it. And what others have written there that is for the owner.
 */
import { watch as watchFiles } from 'node:fs';
import {
  containerPaths,
  createContainerDirectory,
  type EventName,
  forgetPause,
  forgetStop,
  inheritRoot,
  readContainerState,
  removeContainerDirectory,
  renameContainer,
  type Store,
  stopRequestOf,
} from '../../store/index.ts';
import type { Image } from '../image.ts';
import type { ContainerOptions } from '../spec/options.ts';
import type { Begun } from './ahead.ts';
import type { LifeListener } from './life.ts';
import { noteSoon } from './note.ts';
import { describeContainer } from './recorded.ts';
import { StateNote } from './state-note.ts';
import { usesOfContainer } from './volumes.ts';

/** What an attached container's life is of. */
export interface LifeParts {
  readonly id: string;
  readonly name: string;
  readonly image: Image;
  readonly options: ContainerOptions;
  readonly store: Store;
  readonly listener: LifeListener;
  /** The first process of a container that is about to be started. */
  readonly begun?: Begun | undefined;
}

/** One attached container in the store. */
export class AttachedRecord {
  readonly createdAt = new Date();
  readonly labels: Readonly<Record<string, string>>;
  readonly #parts: LifeParts;
  readonly #state: StateNote;
  #name: string;
  #renaming: Promise<unknown> | undefined;

  /** @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE, NAME_TAKEN; then nothing is left */
  constructor(parts: LifeParts) {
    const { id, name, image, options, store } = parts;
    this.#parts = parts;
    this.#name = name;
    this.labels = options.labels ?? {};
    this.#state = new StateNote(store, id);
    const description = describeContainer(parts, this.createdAt);
    const { upper } = createContainerDirectory(store, id, {
      ...description,
      uses: usesOfContainer(image, options, store),
    });
    const { origin } = image;
    if (origin.kind === 'snapshot') inheritRoot(origin.layers.at(-1) as string, upper);
    this.#tell('create');
  }

  get name(): string {
    return this.#name;
  }

  /** @throws CaissonError NAME_TAKEN; then it has the one it had */
  async rename(name: string): Promise<void> {
    const renaming = renameContainer(this.#parts.store, this.#parts.id, name).then((record) => {
      this.#name = record.name;
    });
    this.#renaming = renaming.catch(() => undefined);
    await renaming;
  }

  /**
   * Before a start.
   * @throws CaissonError CONTAINER_REMOVED when another process has removed the container
   */
  open(): void {
    this.#state.open();
  }

  /** There is a first process. */
  launched(pid: number, restarts: number): void {
    this.#state.begin(pid, restarts);
    this.#tell('start', pid);
  }

  /** The first process has ended, and its id is not another's yet. */
  ended(waitStatus: number, isRestarted: boolean): void {
    this.#state.end(waitStatus, isRestarted);
    this.#tell('exit', waitStatus);
  }

  /** Its restart policy has started it again. */
  restarted(): void {
    this.#tell('restart');
  }

  /** It is not started, or not again, after all. */
  giveUp(): void {
    this.#state.giveUp();
  }

  /** Removes the directory and the name. */
  async remove(): Promise<void> {
    // It is to let go of the name that it has in the end.
    if (this.#renaming !== undefined) await this.#renaming;
    this.#state.close();
    return removeContainerDirectory(this.#parts.store, this.#parts.id, this.#name);
  }

  /** Nothing of it is left. */
  removed(): void {
    this.#tell('remove');
  }

  /** Whether another process wants its end. */
  get isAskedToEnd(): boolean {
    return stopRequestOf(this.#parts.store, this.#parts.id) !== undefined;
  }

  /** Whether another process has removed it, or is just about to. */
  get isRemovedElsewhere(): boolean {
    const { store, id } = this.#parts;
    return stopRequestOf(store, id) === 'remove' || readContainerState(store, id) === undefined;
  }

  /** Somebody starts it: what others wanted before is of no concern any more. */
  forgetRequests(): void {
    forgetStop(this.#parts.store, this.#parts.id);
  }

  /** A run begins, which nobody has paused yet, or one has ended. */
  forgetPause(): Promise<void> {
    return forgetPause(this.#parts.store, this.#parts.id);
  }

  /** Calls back when another process may want its end. @returns stops that */
  onRequest(look: () => void): () => void {
    const watcher = watchFiles(containerPaths(this.#parts.store, this.#parts.id).path, look);
    watcher.on('error', look);
    return () => watcher.close();
  }

  #tell(event: EventName, value?: number): void {
    const { id, store, image } = this.#parts;
    noteSoon(store, event, { id, name: this.#name, image: image.name, labels: this.labels }, value);
  }
}
