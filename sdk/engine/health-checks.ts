/** The health checks of an attached container: a stub for each of its starts, and word of what it finds out. */
import { close, pidfd_open } from '../../syscalls/index.ts';
import type { ContainerHealth } from '../health-status.ts';
import type { SpecHealth } from '../spec/health.ts';
import type { Spec } from '../spec/spec.ts';
import type { Child } from './child.ts';
import { healthOf, readHealth, startHealthCheck, watchHealth } from './health.ts';

/** A first process that is held until its checks begin. One of the two is to be called, once. */
export interface HeldForChecks {
  /** Starts the stub. @throws SyscallError when it could not be; then the process has been ended */
  begin(child: Child): Promise<void>;
  abandon(): void;
}

/** Checks an attached container's health. */
export class HealthChecks {
  readonly #directory: string;
  readonly #path: string;
  readonly #changed: (health: ContainerHealth) => void;
  #stub: Child | undefined;

  /**
   * @param place the container's directory, and the file in it
   * @param changed is told when the status has become another one
   */
  constructor(place: { readonly path: string; readonly health: string }, changed: (health: ContainerHealth) => void) {
    this.#directory = place.path;
    this.#path = place.health;
    this.#changed = changed;
  }

  /**
   * Holds a first process that has just been launched, and so cannot have been waited for; undefined where there is
   * nothing to check.
   */
  hold(spec: Spec, pid: number): HeldForChecks | undefined {
    const { health } = spec;
    if (health === undefined) return undefined;
    const target = pidfd_open(pid, 0);
    return { begin: (child) => this.#begin(spec, health, target, child), abandon: () => close(target) };
  }

  /** What they have come to since a start. */
  read(spec: Spec | null, startedAt: Date | null): ContainerHealth | null {
    return healthOf(spec, this.#path, startedAt);
  }

  /** Resolves when nothing of it is left; it ends by itself when the container does. */
  async ended(): Promise<void> {
    // Who waits for it is not to end before.
    this.#stub?.holds(true);
    await this.#stub?.exited;
  }

  async #begin(spec: Spec, health: SpecHealth, target: number, child: Child): Promise<void> {
    try {
      await this.ended();
      this.#stub = await startHealthCheck(spec, health, target, this.#directory);
      this.#watch(health, child);
    } catch (error) {
      child.kill('SIGKILL');
      await child.exited;
      throw error;
    } finally {
      close(target);
    }
  }

  /** Until the container has ended. */
  #watch(health: SpecHealth, child: Child): void {
    let last: ContainerHealth['status'] = 'starting';
    const watcher = watchHealth(this.#path, () => {
      const now = readHealth(this.#path, health, null);
      if (now.status === last) return;
      last = now.status;
      this.#changed(now);
    });
    void child.exited.then(() => watcher.close());
  }
}
