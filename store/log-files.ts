/**
 * The log of a detached container on disk: frames in `log`, and before those in `log.1`, `log.2` …, which are renamed
 * when a new one is begun (sdk/plan/supervisor-output.ts). A reader holds the file that it reads, whatever it is called.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { hasCode } from '../syscalls/index.ts';
import { type Frame, FrameReader } from './frames.ts';

interface LogFile {
  readonly descriptor: number;
  readonly inode: number;
  readonly size: number;
  readonly reader: FrameReader;
}

/** Reads a log in order, from its oldest file on; each read goes on behind the one before. */
export class LogReader {
  readonly #path: string;
  /** The file that is being read, and those behind it. */
  #files: LogFile[] = [];

  /** @param path of the newest file */
  constructor(path: string) {
    this.#path = path;
  }

  /** What is there now, and was not read yet. What was removed meanwhile is left out. */
  *read(): Generator<Frame> {
    for (;;) {
      const [current, next] = this.#files;
      if (current !== undefined) yield* current.reader.read();
      if (next !== undefined) this.#leave();
      else if (!this.#findNewer()) return;
      // Nothing is written to a file once there is a newer one, but what was written between the two looks.
      else if (current !== undefined) yield* current.reader.read();
    }
  }

  /** Leaves out what is there now: the next read begins behind it. To be called before any other. */
  skip(): void {
    const newest = openFile(this.#path);
    if (newest !== undefined) this.#files.push({ ...newest, reader: new FrameReader(newest.descriptor, newest.size) });
  }

  /** Lets go of its files. */
  close(): void {
    for (const { descriptor } of this.#files) closeSync(descriptor);
    this.#files = [];
  }

  #leave(): void {
    const left = this.#files.shift();
    if (left !== undefined) closeSync(left.descriptor);
  }

  /**
   * Opens what is newer than the file that is being read. From the newest on: so a file that is renamed meanwhile is
   * met twice, and none is missed.
   */
  #findNewer(): boolean {
    const known = this.#files.at(-1);
    const found: LogFile[] = [];
    for (let index = 0; ; index++) {
      const file = openFile(index === 0 ? this.#path : `${this.#path}.${index}`);
      if (file === undefined) {
        // Between two renames there is no newest file, but there are older ones.
        if (index > 0) break;
        continue;
      }
      if (file.inode === known?.inode) {
        closeSync(file.descriptor);
        break;
      }
      if (file.inode === found.at(-1)?.inode) closeSync(file.descriptor);
      else found.push(file);
    }
    this.#files.push(...found.reverse());
    return found.length > 0;
  }
}

function openFile(path: string): LogFile | undefined {
  try {
    const descriptor = openSync(path, 'r');
    const { ino: inode, size } = fstatSync(descriptor);
    return { descriptor, inode, size, reader: new FrameReader(descriptor) };
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
