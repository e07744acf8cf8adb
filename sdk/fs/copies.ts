/** The way to copying, which is loaded when somebody copies. */
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Checks, checkAll, describe, isAbortSignal, isBoolean, isStream, isUser } from '../spec/checks.ts';
import type { Access } from './access.ts';
import type { CopyInOptions, CopyOutOptions, CopyResult } from './copy/index.ts';

const COPY_OUT_CHECKS: Checks = { preserveOwner: isBoolean, followLink: isBoolean, signal: isAbortSignal };
const COPY_IN_CHECKS: Checks = { owner: isUser, ...COPY_OUT_CHECKS };

/** Copies from this machine to a container. */
export async function copyIn(
  files: Access,
  source: string,
  target: string,
  options: CopyInOptions = {},
): Promise<CopyResult> {
  checkAll('option', options, COPY_IN_CHECKS);
  options.signal?.throwIfAborted();
  const { copyIn } = await import('./copy/index.ts');
  return files.use((session) => copyIn(session, source, target, options));
}

/** Copies from a container to this machine. */
export async function copyOut(
  files: Access,
  source: string,
  target: string,
  options: CopyOutOptions = {},
): Promise<CopyResult> {
  checkAll('option', options, COPY_OUT_CHECKS);
  options.signal?.throwIfAborted();
  const { copyOut } = await import('./copy/index.ts');
  return files.use((session) => copyOut(session, source, target, options));
}

/** What is in an archive. */
export type ArchiveContent = Uint8Array | AsyncIterable<Uint8Array>;

function contentOf(archive: ArchiveContent): AsyncIterable<Uint8Array> {
  if (archive instanceof Uint8Array) return Readable.from([archive]);
  if (isStream(archive)) return archive;
  throw new TypeError(`archive must be bytes or a stream of them, got ${describe(archive)}`);
}

/** Puts what an archive holds into a directory of a container. A stream is read or destroyed, whatever comes. */
export async function putArchive(
  files: Access,
  archive: ArchiveContent,
  target: string,
  options: CopyInOptions = {},
): Promise<CopyResult> {
  try {
    const content = contentOf(archive);
    checkAll('option', options, COPY_IN_CHECKS);
    options.signal?.throwIfAborted();
    const { putArchive } = await import('./copy/index.ts');
    return await files.use((session) => putArchive(session, content, target, options));
  } finally {
    // It may not have been looked at.
    if (archive instanceof Readable) archive.destroy();
  }
}

/** Archives what is at a path of a container, as it is read. */
export function getArchive(files: Access, path: string, options: CopyOutOptions = {}): Readable {
  checkAll('option', options, COPY_OUT_CHECKS);
  const archive = new PassThrough();
  const write = async () => {
    const { getArchive } = await import('./copy/index.ts');
    await files.use((session) => pipeline(getArchive(session, path, options), archive));
  };
  // Whoever reads it is told; who has destroyed it knows.
  write().catch((error: Error) => archive.destroy(error));
  return archive;
}
