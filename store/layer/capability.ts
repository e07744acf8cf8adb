/**
 * File capabilities set in a user namespace name the one that may use them (include/uapi/linux/capability.h,
 * VFS_CAP_REVISION_3). An image is for any, so what it holds is the form without.
 */

const REVISION_2 = 0x0200_0000;
const REVISION_3 = 0x0300_0000;
const REVISION_MASK = 0xff00_0000;
const BYTES_2 = 20;
const BYTES_3 = 24;

/** The value of a `security.capability` attribute, without the user namespace it is for. */
export function neutralCapability(value: Buffer): Buffer {
  if (value.length !== BYTES_3) return value;
  const magic = value.readUInt32LE(0);
  if ((magic & REVISION_MASK) >>> 0 !== REVISION_3) return value;
  const neutral = Buffer.from(value.subarray(0, BYTES_2));
  neutral.writeUInt32LE(((magic & ~REVISION_MASK) | REVISION_2) >>> 0, 0);
  return neutral;
}
