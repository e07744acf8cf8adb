/** Machine code from a listing: one string of hexadecimal digits per instruction. */
export function code(listing: readonly string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(listing.join(''), 'hex'));
}
