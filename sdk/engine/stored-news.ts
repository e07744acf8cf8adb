/**
 * Tells whoever listens how a container ends that is not this thread's, and how it is: as it is noted on disk. The kernel
 * tells when something is noted (inotify); nothing is watched while nobody listens, and no process is kept from ending.
 */
import { type FSWatcher, watch } from 'node:fs';
import { containerPaths, UNKNOWN_STATUS } from '../../store/index.ts';
import { hasCode } from '../../syscalls/index.ts';
import type { ContainerHealth } from '../health-status.ts';
import { exitStatusOf } from './exit-status.ts';
import { watchHealth } from './health.ts';
import type { LifeListener } from './life.ts';
import type { StoredView } from './stored-view.ts';

/** What happens to one container. */
export class StoredNews {
  readonly #view: StoredView;
  readonly #listener: LifeListener;
  readonly #hasListeners: (event: 'exit' | 'health') => boolean;
  #end: EndNews | undefined;
  #health: HealthNews | undefined;

  constructor(view: StoredView, listener: LifeListener) {
    this.#view = view;
    this.#listener = listener;
    this.#hasListeners = listener.onListeners(() => this.#update());
  }

  /** Tells what has happened, in case the kernel is just about to: before those hear of it who have waited for it. */
  tell(): void {
    this.#end?.tell();
    this.#health?.tell();
  }

  /** There will be none. */
  close(): void {
    this.#end?.close();
    this.#health?.close();
    this.#end = undefined;
    this.#health = undefined;
  }

  #update(): void {
    const wantsEnd = this.#hasListeners('exit');
    // What is checked in an attached container, only its owner has written down.
    const wantsHealth = this.#view.parts.record.detached && this.#hasListeners('health');
    if (!wantsEnd) this.#end?.close();
    if (!wantsHealth) this.#health?.close();
    this.#end = wantsEnd ? (this.#end ?? new EndNews(this.#view, this.#listener)) : undefined;
    this.#health = wantsHealth ? (this.#health ?? new HealthNews(this.#view, this.#listener)) : undefined;
  }
}

/** The ends of a container, each told once: by the time that is noted with it. */
class EndNews {
  readonly #view: StoredView;
  readonly #listener: LifeListener;
  readonly #watcher: FSWatcher | undefined;
  #last: number | undefined;

  constructor(view: StoredView, listener: LifeListener) {
    this.#view = view;
    this.#listener = listener;
    this.#watcher = watchState(view, () => this.tell());
    this.#last = view.cell?.finishedAt?.getTime();
  }

  tell(): void {
    const { cell } = this.#view;
    if (cell === undefined) this.close();
    const finishedAt = cell?.finishedAt?.getTime();
    // Of an end that is noted as `ending`, the status is not known yet.
    if (cell === undefined || cell.phase === 'ending' || finishedAt === undefined || finishedAt === this.#last) return;
    this.#last = finishedAt;
    if (cell.status !== UNKNOWN_STATUS) this.#listener.exit(exitStatusOf(cell.status));
  }

  close(): void {
    this.#watcher?.close();
  }
}

/** The health of a container, told when it has become another one; each run begins with `'starting'`. */
class HealthNews {
  readonly #view: StoredView;
  readonly #listener: LifeListener;
  readonly #watcher: Pick<FSWatcher, 'close'> | undefined;
  #last: ContainerHealth['status'] = 'starting';
  #run: number | undefined;

  constructor(view: StoredView, listener: LifeListener) {
    this.#view = view;
    this.#listener = listener;
    this.#watcher = unlessGone(() => watchHealth(containerPaths(view.parts.store, view.id).health, () => this.tell()));
    this.#run = this.#startedAt;
    this.#last = view.health?.status ?? 'starting';
  }

  tell(): void {
    if (this.#view.cell === undefined) this.close();
    const { health } = this.#view;
    if (health === null) return;
    if (this.#run !== this.#startedAt) this.#last = 'starting';
    this.#run = this.#startedAt;
    if (health.status === this.#last) return;
    this.#last = health.status;
    this.#listener.health(health);
  }

  get #startedAt(): number | undefined {
    return this.#view.cell?.startedAt?.getTime();
  }

  close(): void {
    this.#watcher?.close();
  }
}

function watchState({ id, parts }: StoredView, changed: () => void): FSWatcher | undefined {
  const { state } = containerPaths(parts.store, id);
  return unlessGone(() => watch(state, { persistent: false }, changed).on('error', changed));
}

/** A container that was removed has no news. */
function unlessGone<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
