/** A container that is not this thread's, as it is seen on disk: read anew whenever something is asked of it. */
import { inspect } from 'node:util';
import {
  type CellState,
  containerPaths,
  hasWriter,
  readContainerState,
  readRecordIfWhole,
  renameContainer,
  UNKNOWN_STATUS,
} from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import type { ContainerHealth } from '../health-status.ts';
import type { Spec } from '../spec/spec.ts';
import { type ExitStatus, exitStatusOf } from './exit-status.ts';
import { healthOf } from './health.ts';
import { type Held, holdFirst } from './held.ts';
import type { ContainerState } from './life.ts';
import { isPaused } from './pause.ts';
import { readSpec, type StoredParts, specOf } from './stored-spec.ts';
import { wrongState } from './wrong-state.ts';

/** What can be seen of a container of the store. */
export class StoredView {
  readonly id: string;
  #parts: StoredParts;

  constructor(parts: StoredParts) {
    this.#parts = parts;
    this.id = parts.record.id;
  }

  /** What it consists of, by the record that was read last. */
  get parts(): StoredParts {
    return this.#parts;
  }

  get name(): string {
    const record = readRecordIfWhole(this.#parts.store, this.id);
    if (record !== undefined) this.#parts = { ...this.#parts, record };
    return this.#parts.record.name;
  }

  /** What errors call it. */
  get label(): string {
    return `container ${inspect(this.#parts.record.name)}`;
  }

  get state(): ContainerState {
    const { store, record } = this.#parts;
    const { cell } = this;
    if (cell === undefined) return 'removed';
    if (cell.phase === 'created' || cell.phase === 'exited') return cell.phase;
    if (!hasWriter(store, record)) return this.cell?.phase === cell.phase && !record.detached ? 'removed' : 'exited';
    if (cell.phase === 'waiting') return 'restarting';
    return isPaused(store, this.id) ? 'paused' : 'running';
  }

  get pid(): number | null {
    return ['running', 'paused'].includes(this.state) ? (this.cell?.pid ?? null) : null;
  }

  get status(): ExitStatus | null {
    const { cell } = this;
    if (cell === undefined || this.isLost) return null;
    return cell.phase === 'exited' || cell.phase === 'waiting' ? exitStatusOf(cell.status) : null;
  }

  get isLost(): boolean {
    if (this.state !== 'exited') return false;
    const { cell } = this;
    return cell?.phase !== 'exited' || cell.status === UNKNOWN_STATUS;
  }

  get health(): ContainerHealth | null {
    return healthOf(this.spec, containerPaths(this.#parts.store, this.id).health, this.cell?.startedAt ?? null);
  }

  get spec(): Spec | null {
    const { pid } = this;
    return pid === null ? (readSpec(this.#parts.store, this.id) ?? null) : specOf(this.#parts, pid);
  }

  /** What its writer has noted last; undefined when it was removed. */
  get cell(): CellState | undefined {
    return readContainerState(this.#parts.store, this.id);
  }

  /** Holds its first process; undefined when it does not run. */
  hold(): Held | undefined {
    return holdFirst(this.#parts.store, this.#parts.record);
  }

  /** @throws CaissonError NAME_TAKEN, OWNED_ELSEWHERE */
  async rename(name: string): Promise<void> {
    this.assertDetached('renamed');
    await renameContainer(this.#parts.store, this.id, name);
  }

  /**
   * Refuses what only its owner does with an attached container.
   * @param done completes "the container cannot be …"
   * @throws CaissonError OWNED_ELSEWHERE
   */
  assertDetached(done: string): void {
    if (this.#parts.record.detached) return;
    throw new CaissonError(
      'OWNED_ELSEWHERE',
      `${this.label} cannot be ${done} here: it is another process's or thread's`,
      {
        hint: 'containers that are made with { detach: true } are nobody’s',
      },
    );
  }

  /** The error for what cannot be done in this state. */
  notRunning(done: string): CaissonError {
    return wrongState(this.name, this.state, done);
  }
}
