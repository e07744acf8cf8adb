import type { OutgoingEntry } from '../../../store/layer/write.ts';

/** What a test says of an entry; what it does not say is what an empty file of root has. */
export type EntryParts = Partial<Omit<OutgoingEntry, 'name' | 'linkName' | 'content' | 'xattrs'>> & {
  readonly name: string | Buffer;
  readonly link?: string | Buffer;
  readonly content?: string | Buffer;
  readonly xattrs?: Readonly<Record<string, Buffer>>;
};

/** An entry to be written. */
export function outgoing({ name, link = '', content = '', xattrs = {}, ...rest }: EntryParts): OutgoingEntry {
  const bytes = Buffer.from(content);
  return {
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: bytes.length,
    mtimeNs: 0n,
    major: 0,
    minor: 0,
    ...rest,
    name: Buffer.from(name),
    linkName: Buffer.from(link),
    xattrs: new Map(Object.entries(xattrs)),
    content: () => [bytes],
  };
}
