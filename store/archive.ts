/**
 * The archives that images travel in: files and links, read and written with the `tar` package. Layers are not: it
 * drops what they need (extended attributes, devices, holes, names that are no UTF-8).
 */
import type { ReadEntry } from 'tar';
import { CaissonError } from '../syscalls/index.ts';
import { BLOCK, invalid } from './layer/header.ts';
import type { ArchiveMember } from './save-members.ts';

/** A longer extended header is an attack on memory. */
const MAX_HEADER_BYTES = 1024 * 1024;

/**
 * Reads an archive that is not compressed, all of it. What is in a member comes by its events `data` and `end`, to who
 * listens at once: no more is read before the listeners have returned. What they throw, this throws.
 *
 * @throws CaissonError ARCHIVE_INVALID for anything that is not an archive, or in which no image is
 * @throws CaissonError LAYER_LIMIT_EXCEEDED for an extended header longer than any that is needed
 */
export async function readArchive(
  source: AsyncIterable<Uint8Array>,
  onMember: (member: ReadEntry) => void,
): Promise<void> {
  let position = 0;
  let isOver = false;
  const parser = await createParser(onMember);
  parser.on('eof', () => {
    isOver = true;
  });
  for await (const chunk of source) {
    // The parser would gather all that follows the end.
    if (isOver) continue;
    parser.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    position += chunk.length;
  }
  if (isOver) return;
  parser.end();
  if (position % BLOCK !== 0) throw invalid(`it ends at byte ${position}, in the middle of a header`);
}

/**
 * Writes an archive, with its end. The same members give the same bytes: nothing tells when and by whom they were
 * written. Content must have the size its member says, which is for who opens it to verify.
 */
export async function* writeArchive(members: readonly ArchiveMember[]): AsyncGenerator<Uint8Array> {
  // All of the package takes Node 15 ms longer to load.
  const { Header } = await import('tar/header');
  for (const { name, size, content } of members) {
    const header = Buffer.alloc(BLOCK);
    new Header({ path: name, type: 'File', mode: 0o644, uid: 0, gid: 0, size, mtime: new Date(0) }).encode(header);
    yield header;
    yield* content();
    if (size % BLOCK !== 0) yield Buffer.alloc(BLOCK - (size % BLOCK));
  }
  yield Buffer.alloc(2 * BLOCK);
}

/** A parser whose `write` and `end` throw for what is wrong; of itself it warns and goes on. */
async function createParser(onMember: (member: ReadEntry) => void) {
  const { Parser, ReadEntry: Entry } = await import('tar');
  const parser = new Parser({
    maxMetaEntrySize: MAX_HEADER_BYTES,
    onwarn: (_code, message, { entry }) => {
      throw invalid(entry instanceof Entry ? `${message} in '${entry.path}'` : String(message));
    },
  });
  // In its first bytes it would look for gzip: what is compressed twice would be decompressed without our limits.
  parser.write(Buffer.alloc(BLOCK));
  let isEnding = false;
  parser.on('nullBlock', () => {
    isEnding = true;
  });
  parser.on('ignoredEntry', refuse);
  parser.on('meta', (text: string) => {
    if (/^\d+ GNU\.sparse\./m.test(text)) throw invalid('a file in it is sparse');
  });
  parser.on('entry', (member: ReadEntry) => {
    if (isEnding) throw invalid('there is an entry after its end');
    checkMember(member);
    onMember(member);
    // It stands still until its content is taken, or, like this, thrown away.
    member.resume();
  });
  return parser;
}

function refuse({ path, type, meta, size }: ReadEntry): never {
  if (!meta) throw invalid(`'${path}' is of type ${type}, which is in no image`);
  const reason = `an extended header has ${size} bytes, more than ${MAX_HEADER_BYTES}`;
  throw new CaissonError('LAYER_LIMIT_EXCEEDED', `the archive is not unpacked: ${reason}`);
}

/** Refuses what programs read in different ways. */
function checkMember({ path, type, size, header }: ReadEntry): void {
  if (header.size === undefined) throw invalid(`the size of '${path}' is not a number`);
  if (/Link$/.test(type) && size > 0) throw invalid(`'${path}' is a link with content`);
}
