/** The files of an attached container: what its changes lie on, and whether its directory is fit to be mounted. */
import { renewContainerDirectory } from '../../store/index.ts';
import { enterStopped, type Session } from '../fs/index.ts';
import type { Image } from '../image.ts';
import type { Spec } from '../spec/spec.ts';
import type { LifeParts } from './attached-record.ts';
import { decideContainer } from './decide.ts';
import { decideFiles, LOOKS, LOOKS_WHEN_NEW } from './looks.ts';
import { assertReachable, type FilesOnDisk, upperOf } from './snapshot.ts';

/** One container's root, from its first mount to its last. */
export class AttachedRoot {
  readonly #parts: LifeParts;
  /** What the container's changes lie on. */
  #base: Image;
  #wasMounted = false;

  constructor(parts: LifeParts) {
    this.#parts = parts;
    this.#base = parts.image;
  }

  /** Whether it has been mounted, by a start or for its files. */
  get wasMounted(): boolean {
    return this.#wasMounted;
  }

  /** A start has mounted it. */
  mounted(): void {
    this.#wasMounted = true;
  }

  /** Decides a start of the container, on what its changes lie on now. */
  decide(): Spec {
    const { id, options, store } = this.#parts;
    return decideContainer(this.#base, options, id, store, 'prepare', this.#wasMounted ? LOOKS : LOOKS_WHEN_NEW);
  }

  /** Makes its directory fit to be mounted once more. */
  async renew(): Promise<void> {
    if (!this.#wasMounted) return;
    await renewContainerDirectory(this.#parts.store, this.#parts.id);
  }

  /**
   * Mounts it for an agent, while the container does not run.
   * @param label what errors call the container
   * @throws CaissonError NO_FILES_OF_ITS_OWN, CHANGES_IN_MEMORY
   */
  async enter(label: string): Promise<Session> {
    const { id, options, store } = this.#parts;
    assertReachable(label, options);
    await this.renew();
    this.#wasMounted = true;
    // Whoever its command is, and whether it has one, is of no concern yet.
    return enterStopped(decideFiles(this.#base, options, id, store));
  }

  /** What is to be known for what is done with all of its files. */
  describe(rest: Pick<FilesOnDisk, 'label' | 'args' | 'pid' | 'signal'>): FilesOnDisk {
    const { id, store, image, options } = this.#parts;
    return {
      ...rest,
      id,
      store,
      base: this.#base,
      config: image.config,
      upper: upperOf(options),
      rebase: (base) => {
        this.#base = base;
      },
    };
  }
}
