/**
 * /etc/ld.so.cache, as ldconfig(8) writes it. glibc: sysdeps/generic/dl-cache.h
 *
 *     old format   "ld.so-1.7.0"  u32 count at 12  {flags, key, value} × count      since glibc 2.32 left out
 *     new format   "glibc-ld.so.cache1.1"  u32 count at 20  … 48  {flags, key, value, osversion, hwcap} × count, strings
 *
 * An old table, if there is one, comes first; the new one follows it, aligned to 8. Keys and values are offsets of
 * NUL-terminated strings, counted from the start of the new header.
 */

const OLD_MAGIC = 'ld.so-1.7.0';
const NEW_MAGIC = 'glibc-ld.so.cache1.1';
const OLD_HEADER_BYTES = 16;
const OLD_ENTRY_BYTES = 12;
const NEW_HEADER_BYTES = 48;
const NEW_ENTRY_BYTES = 24;
/** `flags` of the new header: the byte order is in the two lowest bits. */
const CACHE_FLAGS_BIG_ENDIAN = 3;

/**
 * The libraries an ld.so.cache knows: name to paths, best first. Libraries of all architectures are in it together.
 *
 * Variants for certain CPUs (glibc-hwcaps) are left out: the one that runs on every CPU is always there too.
 * What is no cache of a known format is an empty one, as for the loader: it then searches the directories.
 */
export function parseLdCache(bytes: Uint8Array): ReadonlyMap<string, readonly string[]> {
  const libraries = new Map<string, string[]>();
  const cache = newCacheOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (cache === undefined) return libraries;
  const littleEndian = ((cache[28] ?? 0) & CACHE_FLAGS_BIG_ENDIAN) !== CACHE_FLAGS_BIG_ENDIAN;
  const view = new DataView(cache.buffer, cache.byteOffset, cache.byteLength);
  const count = Math.min(
    view.getUint32(20, littleEndian),
    Math.floor((cache.length - NEW_HEADER_BYTES) / NEW_ENTRY_BYTES),
  );
  for (let index = 0; index < count; index++) {
    const at = NEW_HEADER_BYTES + index * NEW_ENTRY_BYTES;
    const name = stringAt(cache, view.getUint32(at + 4, littleEndian));
    const path = stringAt(cache, view.getUint32(at + 8, littleEndian));
    const hwcap = view.getBigUint64(at + 16, littleEndian);
    if (hwcap !== 0n || !name || !path?.startsWith('/')) continue;
    const paths = libraries.get(name);
    if (paths === undefined) libraries.set(name, [path]);
    else paths.push(path);
  }
  return libraries;
}

function newCacheOf(bytes: Buffer): Buffer | undefined {
  let start = 0;
  if (hasText(bytes, 0, OLD_MAGIC) && bytes.length >= OLD_HEADER_BYTES) {
    // The byte order is written only in the new header: the count that leads to one is the right one.
    const counts = [bytes.readUInt32LE(12), bytes.readUInt32BE(12)];
    const starts = counts.map((count) => alignTo8(OLD_HEADER_BYTES + count * OLD_ENTRY_BYTES));
    start = starts.find((offset) => hasText(bytes, offset, NEW_MAGIC)) ?? bytes.length;
  }
  const cache = bytes.subarray(start);
  return cache.length >= NEW_HEADER_BYTES && hasText(cache, 0, NEW_MAGIC) ? cache : undefined;
}

function hasText(bytes: Buffer, offset: number, text: string): boolean {
  return bytes.toString('latin1', offset, offset + text.length) === text;
}

function alignTo8(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}

function stringAt(bytes: Buffer, offset: number): string | undefined {
  const end = bytes.indexOf(0, offset);
  return offset >= bytes.length || end < 0 ? undefined : bytes.toString('utf8', offset, end);
}
