/** Copies of files and trees into a container and out of it, as docker cp makes them. Loaded when first needed. */
import { posix } from 'node:path';
import { CaissonError } from '../../../syscalls/index.ts';
import type { Session } from '../session.ts';
import { fromArchive, toArchive } from './archive.ts';
import { ContainerSink } from './container-sink.ts';
import { assertThere, decideTarget, namesContents } from './decide.ts';
import { containerSource, containerTarget, hostSource, hostTarget } from './ends.ts';
import { type CopyResult, Tally, transfer } from './entry.ts';
import { openHostSink } from './host-sink.ts';
import type { CopyInOptions, CopyOutOptions } from './options.ts';
import { findOwner, type Owner } from './owner.ts';
import { openContainerSource, openHostSource } from './source.ts';
import { walk } from './walk.ts';

export type { CopyResult } from './entry.ts';
export type { CopyInOptions, CopyOutOptions } from './options.ts';

/** Copies from this machine to the container. */
export async function copyIn(
  session: Session,
  source: string,
  target: string,
  options: CopyInOptions,
): Promise<CopyResult> {
  const { owner, preserveOwner = false, followLink = false, signal } = options;
  const from = hostSource(source, followLink);
  const top = decideTarget(from, await containerTarget(session, target));
  const ownerOfAll = owner === undefined && !preserveOwner ? ROOT_OWNER : await ownerOf(session, owner);
  const tally = new Tally();
  const tree = openHostSource(from.opened);
  try {
    await transfer(walk(tree, signal), new ContainerSink(session, top, ownerOfAll, tally), signal);
  } finally {
    tree.close();
  }
  return tally.result();
}

/** Copies from the container to this machine. */
export async function copyOut(
  session: Session,
  source: string,
  target: string,
  options: CopyOutOptions,
): Promise<CopyResult> {
  const { preserveOwner = false, followLink = false, signal } = options;
  const from = await containerSource(session, source, followLink);
  const top = decideTarget(from, hostTarget(target));
  const tally = new Tally();
  const tree = await openContainerSource(session, from.opened);
  try {
    const sink = openHostSink(top, preserveOwner, tally);
    try {
      await transfer(walk(tree, signal), sink, signal);
    } finally {
      sink.close();
    }
  } finally {
    tree.close();
  }
  return tally.result();
}

/** Puts what an archive holds into a directory of the container. */
export async function putArchive(
  session: Session,
  archive: AsyncIterable<Uint8Array>,
  target: string,
  { owner, signal }: CopyInOptions,
): Promise<CopyResult> {
  const { decompress, readTar } = await import('../../../store/transfer.ts');
  const to = await containerTarget(session, target);
  if (to.kind === 'missing' || to.kind === 'nowhere')
    throw new CaissonError('TARGET_NOT_FOUND', `there is no directory '${target}'`);
  if (to.kind === 'other') throw new CaissonError('NOT_A_DIRECTORY', `'${target}' is not a directory`);
  const tally = new Tally();
  const sink = new ContainerSink(session, to.path, await ownerOf(session, owner), tally);
  await transfer(fromArchive(readTar(decompress(archive))), sink, signal);
  return tally.result();
}

/** Archives what is at a path of the container, by its name. */
export async function* getArchive(
  session: Session,
  path: string,
  { followLink = false, signal }: CopyOutOptions,
): AsyncGenerator<Buffer> {
  const { writeTar } = await import('../../../store/transfer.ts');
  const from = await containerSource(session, path, followLink);
  assertThere(from);
  const tree = await openContainerSource(session, from.opened);
  try {
    yield* writeTar(toArchive(walk(tree, signal), namesContents(from.path) ? '.' : posix.basename(from.path)));
  } finally {
    tree.close();
  }
}

const ROOT_OWNER: Owner = { uid: 0, gid: 0 };

async function ownerOf(session: Session, owner: string | number | undefined): Promise<Owner | undefined> {
  return owner === undefined ? undefined : findOwner(session, owner);
}
