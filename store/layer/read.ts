/**
 * Reads tar archives as layers need them: names and values are bytes, nothing is dropped, and nothing is bigger in
 * memory than a header. Where programs differ in what they read (a header's size and a PAX size, content after a
 * link), this does as Go's archive/tar does, which made most images and reads them elsewhere.
 */
import { type ByteReader, readBytes } from './bytes.ts';
import { BLOCK, decodeHeader, decodeText, type Header, invalid } from './header.ts';
import { type LayerLimits, limitExceeded, normalizeLimits } from './limits.ts';
import { decodePax, interpretPax, type PaxOverrides } from './pax.ts';
import { checkMap, readOldGnuMap, readPaxMap, type SparseMap } from './sparse.ts';

/** The kinds of entries. */
export type EntryType = 'file' | 'hardlink' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo';

/** A piece of a file's content. */
export interface Piece {
  /** Where in the file it belongs, in bytes. */
  readonly offset: number;
  readonly bytes: Buffer;
}

/** An entry of an archive. */
export interface TarEntry {
  readonly type: EntryType;
  /** As it stands in the archive: any bytes but NUL, perhaps with `..` and slashes anywhere. */
  readonly name: Buffer;
  /** The target of a link. */
  readonly linkName: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the file, with its holes, in bytes. */
  readonly size: number;
  readonly isSparse: boolean;
  /** In nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** All of the content at once, where it is here already and has no holes: then there is no {@link content}. */
  takeContent(): Buffer | undefined;
  /** What is not a hole, in order. May be read once, before the next entry; what is left unread is passed over. */
  content(): AsyncGenerator<Piece>;
}

const TYPES: Readonly<Record<string, EntryType>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
};

type Limits = ReturnType<typeof normalizeLimits>;

type FoundMap = NonNullable<Awaited<ReturnType<typeof readPaxMap>>>;

/** What came before an entry and is about it. */
interface Extensions {
  pax?: PaxOverrides;
  longName?: Buffer;
  longLinkName?: Buffer;
}

/**
 * Reads an archive, entry by entry. All of the stream is read, also what follows the archive's end.
 *
 * @throws CaissonError ARCHIVE_INVALID for anything that is not an archive or that this cannot read
 * @throws CaissonError LAYER_LIMIT_EXCEEDED
 */
export async function* readTar(source: AsyncIterable<Uint8Array>, limits?: LayerLimits): AsyncGenerator<TarEntry> {
  const reader = readBytes(source);
  try {
    yield* readEntries(reader, normalizeLimits(limits));
    await reader.drain();
  } finally {
    await reader.close();
  }
}

async function* readEntries(reader: ByteReader, limits: Limits): AsyncGenerator<TarEntry> {
  let extensions: Extensions = {};
  for (let headers = 1; ; headers++) {
    const block = reader.take(BLOCK) ?? (await reader.read(BLOCK));
    const header = block && decodeHeader(block);
    if (block === undefined) break;
    if (header === undefined) {
      const second = await reader.read(BLOCK);
      if (second !== undefined && decodeHeader(second) !== undefined) throw invalid('there is an entry after its end');
      break;
    }
    if (headers > limits.maxEntries) throw limitExceeded('maxEntries', `it has more than ${limits.maxEntries} entries`);
    if (EXTENSIONS.has(header.type)) {
      await readExtension(header, reader, extensions, limits);
      continue;
    }
    const sparse = hasMap(header, extensions) ? await readMap(header, block, reader, extensions, limits) : undefined;
    const { entry, finish } = openEntry(header, reader, extensions, sparse);
    extensions = {};
    yield entry;
    const finishing = finish();
    if (finishing !== undefined) await finishing;
  }
  if (Object.keys(extensions).length > 0) throw invalid('it ends after an extended header');
}

const EXTENSIONS: ReadonlySet<string> = new Set('xgLKXV');

async function readExtension({ type, size }: Header, reader: ByteReader, extensions: Extensions, limits: Limits) {
  checkSize(size, limits);
  const bytes = reader.take(size) ?? (await reader.read(size));
  if (bytes === undefined) throw invalid('it ends in an extended header');
  const body = Buffer.from(bytes);
  await skip(reader, padding(size));
  if (type === 'x' || type === 'X') extensions.pax = interpretPax(decodePax(body));
  else if (type === 'L') extensions.longName = decodeText(body);
  else if (type === 'K') extensions.longLinkName = decodeText(body);
  // 'g' is about all later entries (git writes its commit there) and 'V' is the volume's label: Go applies neither.
}

/** An extended header in memory is an attack on it where it is longer than any that is needed. */
function checkSize(size: number, { maxHeaderBytes }: Limits): void {
  if (size <= maxHeaderBytes) return;
  throw limitExceeded('maxHeaderBytes', `an extended header has ${size} bytes, more than ${maxHeaderBytes}`);
}
function hasMap({ type }: Header, { pax }: Extensions): boolean {
  return type === 'S' || (type === '0' && pax !== undefined && pax.sparse.length > 0);
}

/** The map of a file with holes, with the name that the file really has; undefined where its records tell of none. */
async function readMap(
  header: Header,
  block: Buffer,
  reader: ByteReader,
  { pax }: Extensions,
  { maxHeaderBytes }: Limits,
): Promise<FoundMap | undefined> {
  if (header.type === 'S') return { map: await readOldGnuMap(block, reader, maxHeaderBytes), mapBytes: 0 };
  return readPaxMap(pax?.sparse ?? [], reader, maxHeaderBytes);
}

function openEntry(
  header: Header,
  reader: ByteReader,
  { pax, longName, longLinkName }: Extensions,
  sparse: FoundMap | undefined,
) {
  const map = sparse?.map;
  const name = longName ?? sparse?.name ?? pax?.name ?? header.name;
  const type = typeOf(header, name);
  // A size in the header of anything but a file is the size of something else.
  const length = type === 'file' ? (pax?.size ?? header.size) - (sparse?.mapBytes ?? 0) : 0;
  if (length < 0) throw invalid('the map of a sparse file is longer than its content');
  if (map !== undefined) checkMap(map, length);
  const { mode, major, minor } = header;
  const { read, take, finish } = contentOf(reader, length, map);
  const entry: TarEntry = {
    type,
    name,
    linkName: longLinkName ?? pax?.linkName ?? header.linkName,
    mode,
    uid: pax?.uid ?? header.uid,
    gid: pax?.gid ?? header.gid,
    size: map?.size ?? length,
    isSparse: map !== undefined,
    mtimeNs: pax?.mtimeNs ?? header.mtimeNs,
    major,
    minor,
    xattrs: pax?.xattrs ?? NO_ATTRIBUTES,
    takeContent: take,
    content: read,
  };
  return { entry, finish };
}

const NO_ATTRIBUTES: ReadonlyMap<string, Buffer> = new Map();

function typeOf({ type }: Header, name: Buffer): EntryType {
  // Before ustar, a directory was a file with a slash at the end of its name.
  if (type === '0' && name.at(-1) === 0x2f) return 'directory';
  const known = TYPES[type];
  if (known === undefined) throw invalid(`'${name.toString()}' is of type ${JSON.stringify(type)}, which is unknown`);
  return known;
}

function contentOf(reader: ByteReader, length: number, map: SparseMap | undefined) {
  let left = length;
  async function* read(): AsyncGenerator<Piece> {
    for (const fragment of map?.fragments ?? [{ offset: 0, length }]) {
      let { offset } = fragment;
      const end = offset + fragment.length;
      while (offset < end) {
        const bytes = await reader.readSome(end - offset);
        left -= bytes.length;
        yield { offset, bytes };
        offset += bytes.length;
      }
    }
  }
  function take(): Buffer | undefined {
    const bytes = map === undefined ? reader.take(length) : undefined;
    left -= bytes?.length ?? 0;
    return bytes;
  }
  /** At once where the rest is here: a promise for each of ten thousand entries adds up. */
  function finish(): Promise<void> | undefined {
    const rest = left + padding(length);
    return rest === 0 || reader.take(rest) !== undefined ? undefined : skip(reader, rest);
  }
  return { read, take, finish };
}

async function skip(reader: ByteReader, length: number): Promise<void> {
  for (let left = length; left > 0; ) left -= (await reader.readSome(left)).length;
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
