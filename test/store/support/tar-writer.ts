/** Writes tar archives as a test wants them, also such as no program would write. */

/** An entry; what is not given is what a plain file of root has. */
export interface Entry {
  readonly name: string | Buffer;
  /** The letter of its kind: `0` file, `1` hard link, `2` symbolic link, `3` `4` devices, `5` directory, `6` FIFO. */
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** In seconds. */
  readonly mtime?: number;
  readonly link?: string | Buffer;
  readonly content?: string | Buffer;
  /** Instead of the content's length. */
  readonly size?: number;
  readonly device?: readonly [major: number, minor: number];
  /** Records of a PAX header before it. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
}

/** An archive of these entries, with its end. */
export function tar(...entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.map(encodeEntry), Buffer.alloc(1024)]);
}

/** The header and the content of one entry. */
export function encodeEntry(entry: Entry): Buffer {
  const content = Buffer.from(entry.content ?? '');
  const blocks = [encodeHeader(entry, entry.size ?? content.length), content, padding(content.length)];
  if (entry.pax === undefined) return Buffer.concat(blocks);
  const records = Buffer.concat(Object.entries(entry.pax).map(([key, value]) => paxRecord(key, value)));
  return Buffer.concat([encodeEntry({ name: 'pax', type: 'x', content: records }), ...blocks]);
}

/** `length key=value\n`, where the length counts itself. */
export function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** A header with its checksum; `patch` changes it before that. */
export function encodeHeader(entry: Entry, size: number, patch: (block: Buffer) => void = () => {}): Buffer {
  const {
    name,
    type = '0',
    mode = 0o644,
    uid = 0,
    gid = 0,
    mtime = 0,
    link = '',
    device: [major, minor] = [0, 0],
  } = entry;
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number) => {
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  };
  Buffer.from(name).copy(block, 0, 0, 100);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  octal(size, 124, 12);
  octal(mtime, 136, 12);
  block.write(type, 156, 'latin1');
  Buffer.from(link).copy(block, 157, 0, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(major, 329, 8);
  octal(minor, 337, 8);
  patch(block);
  return withChecksum(block);
}

/** The same header with the checksum it should have. */
export function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function padding(length: number): Buffer {
  return Buffer.alloc((512 - (length % 512)) % 512);
}
