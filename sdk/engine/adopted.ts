/** The processes of an attached container whose output can be read as long as the container is there. */
import { Process } from '../process.ts';
import type { MemoryLog } from './memory-log.ts';
import type { Running } from './running.ts';

/** Those of one container that are not done with yet. */
export class AdoptedProcesses {
  readonly #processes = new Set<Process>();

  /** Makes a process of what was started. @param log notes what it writes */
  adopt(running: Running, log?: MemoryLog): Process {
    const process = new Process(running, log);
    this.#processes.add(process);
    const forget = () => {
      if (process.isSettled) this.#processes.delete(process);
    };
    process.wait().then(forget, forget);
    return process;
  }

  /** Lets go of their output: the container is removed. */
  release(): void {
    for (const process of this.#processes) process.release();
  }
}
