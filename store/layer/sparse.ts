/**
 * Sparse files: a map says which parts of the file are in the archive, one after the other; the rest are holes.
 * There are four forms: in GNU's own header, and three in PAX records. Source: GNU tar manual, Storing Sparse Files.
 */
import type { CaissonError } from '../../syscalls/index.ts';
import type { ByteReader } from './bytes.ts';
import { asSize, BLOCK, decodeNumber, invalid } from './header.ts';
import { limitExceeded } from './limits.ts';

/** A part of a file that is not a hole. */
export interface Fragment {
  readonly offset: number;
  readonly length: number;
}

/** A file with holes. */
export interface SparseMap {
  readonly fragments: readonly Fragment[];
  /** Of the file with its holes, in bytes. */
  readonly size: number;
}

/**
 * GNU's own form: four fragments in the header, and blocks of 21 more after it while the last one says so.
 * @throws CaissonError ARCHIVE_INVALID, LAYER_LIMIT_EXCEEDED
 */
export async function readOldGnuMap(header: Buffer, reader: ByteReader, maxBytes: number): Promise<SparseMap> {
  const fragments = decodeFragments(header.subarray(386, 482));
  // The header is gone when more is read.
  const size = asSize(decodeNumber(header.subarray(483, 495), 'size of a sparse file'));
  let more = header[482] !== 0;
  for (let bytes = 0; more; bytes += BLOCK) {
    const block = await reader.read(BLOCK);
    if (block === undefined) throw endsInMap();
    if (bytes >= maxBytes) throw mapTooLong(maxBytes);
    fragments.push(...decodeFragments(block.subarray(0, 504)));
    more = block[504] !== 0;
  }
  return { fragments, size };
}

/**
 * The map of a file whose PAX header speaks of one; undefined where it does not.
 *
 * @param records those of `GNU.sparse.*`, in their order
 * @returns the map, the name the file really has, and how much of the content was the map itself (form 1.0)
 */
export async function readPaxMap(
  records: readonly (readonly [key: string, value: string])[],
  reader: ByteReader,
  maxBytes: number,
): Promise<{ map: SparseMap; name?: Buffer; mapBytes: number } | undefined> {
  if (records.length === 0) return undefined;
  const values = new Map(records);
  const name = values.get('name');
  const named = name === undefined ? {} : { name: Buffer.from(name, 'latin1') };
  const size = wholeNumber(values.get('realsize') ?? values.get('size'));
  if (values.get('major') === '1' && values.get('minor') === '0') {
    const { fragments, mapBytes } = await readMapInContent(reader, maxBytes);
    return { map: { fragments, size }, ...named, mapBytes };
  }
  const numbers =
    values.get('map')?.split(',') ??
    records.filter(([key]) => key === 'offset' || key === 'numbytes').map(([, value]) => value);
  return {
    map: { fragments: pairs(numbers.filter((text) => text !== '').map(wholeNumber)), size },
    ...named,
    mapBytes: 0,
  };
}

/**
 * Refuses a map whose fragments overlap, leave the file or are not what is in the archive.
 * @param stored how many bytes of content are in the archive
 */
export function checkMap({ fragments, size }: SparseMap, stored: number): void {
  let end = 0;
  let total = 0;
  for (const { offset, length } of fragments) {
    if (offset < end || offset + length > size) throw invalid('the map of a sparse file contradicts itself');
    end = offset + length;
    total += length;
  }
  if (total !== stored) throw invalid(`the map of a sparse file is of ${total} bytes, but ${stored} are there`);
}

/** Form 1.0: decimal numbers, one a line, at the start of the content, filled up to whole blocks. */
async function readMapInContent(
  reader: ByteReader,
  maxBytes: number,
): Promise<{ fragments: Fragment[]; mapBytes: number }> {
  const blocks: Buffer[] = [];
  let linesLeft = 1;
  let count: number | undefined;
  while (linesLeft > 0) {
    const block = await reader.read(BLOCK);
    if (block === undefined) throw endsInMap();
    if (blocks.length * BLOCK >= maxBytes) throw mapTooLong(maxBytes);
    blocks.push(Buffer.from(block));
    linesLeft -= block.filter((byte) => byte === 0x0a).length;
    if (count !== undefined || linesLeft > 0) continue;
    // The first line is the number of fragments, and each of them has two.
    count = wholeNumber(block.toString('latin1').split('\n')[0]);
    linesLeft += count * 2;
  }
  const lines = Buffer.concat(blocks).toString('latin1').split('\n');
  const numbers = lines.slice(1, 1 + (count ?? 0) * 2).map(wholeNumber);
  return { fragments: pairs(numbers), mapBytes: blocks.length * BLOCK };
}

function endsInMap(): CaissonError {
  return invalid('it ends in the map of a sparse file');
}

function mapTooLong(maxBytes: number): CaissonError {
  return limitExceeded('maxHeaderBytes', `the map of a sparse file has more than ${maxBytes} bytes`);
}

function decodeFragments(fields: Buffer): Fragment[] {
  const fragments: Fragment[] = [];
  for (let at = 0; at < fields.length; at += 24) {
    const [offset, length] = [fields.subarray(at, at + 12), fields.subarray(at + 12, at + 24)];
    if (offset[0] === 0 && length[0] === 0) break;
    fragments.push({
      offset: asSize(decodeNumber(offset, 'offset in a sparse file')),
      length: asSize(decodeNumber(length, 'length in a sparse file')),
    });
  }
  return fragments;
}

function pairs(numbers: readonly number[]): Fragment[] {
  if (numbers.length % 2 !== 0) throw invalid('the map of a sparse file ends in an offset');
  return numbers.flatMap((offset, index) => (index % 2 === 0 ? [{ offset, length: numbers[index + 1] ?? 0 }] : []));
}

function wholeNumber(text: string | undefined): number {
  if (text !== undefined && /^[0-9]{1,15}$/.test(text)) return Number(text);
  throw invalid(`${JSON.stringify(text?.slice(0, 40)) ?? 'nothing'} is not a number in the map of a sparse file`);
}
