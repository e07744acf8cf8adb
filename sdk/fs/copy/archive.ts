/** Copies in the form of tar archives. */
import { posix } from 'node:path';
import { fillHoles, type OutgoingEntry, type TarEntry } from '../../../store/transfer.ts';
import { CaissonError } from '../../../syscalls/index.ts';
import type { RawPath } from '../path.ts';
import { isCopied } from './attributes.ts';
import type { CopyEntry, EntryType } from './entry.ts';

/** Entries as an archive has them, below a name. */
export async function* toArchive(entries: AsyncIterable<CopyEntry>, name: RawPath): AsyncGenerator<OutgoingEntry> {
  const nameOf = (path: RawPath) => Buffer.from(path === '' ? name : `${name}/${path}`, 'latin1');
  for await (const entry of entries) {
    try {
      const type = ARCHIVED[entry.type];
      if (type === undefined) continue;
      const linkName = entry.type === 'hardlink' ? nameOf(entry.target) : Buffer.from(entry.target, 'latin1');
      const xattrs = entry.xattrs;
      yield {
        ...entry,
        type,
        name: nameOf(entry.path),
        linkName,
        xattrs,
        major: 0,
        minor: 0,
        // With zeros also for what the file has lost since it was looked at.
        content: () => fillHoles(entry.content(), entry.size),
      };
    } finally {
      entry.release();
    }
  }
}

/** What an archive of a container's files holds: its devices are not the machine's that the archive goes to. */
const ARCHIVED: Readonly<Partial<Record<EntryType, OutgoingEntry['type']>>> = {
  file: 'file',
  directory: 'directory',
  symlink: 'symlink',
  hardlink: 'hardlink',
  fifo: 'fifo',
};

/**
 * The entries of an archive. Directories that it puts something into and does not speak of are made up.
 * @throws CaissonError ARCHIVE_INVALID for a name that leads out of where it is put
 */
export async function* fromArchive(archive: AsyncIterable<TarEntry>): AsyncGenerator<CopyEntry> {
  const spoken = new Set<RawPath>(['']);
  for await (const entry of archive) {
    const path = cleanName(entry.name);
    for (const above of unspoken(posix.dirname(path), spoken)) yield { ...MADE_UP, path: above };
    if (entry.type === 'directory') spoken.add(path);
    // Of what is put, nothing has no name.
    if (path === '' && entry.type !== 'directory') throw nameless(entry);
    const { type, mode, uid, gid, size, mtimeNs, xattrs } = entry;
    const whole = type === 'file' ? entry.takeContent() : undefined;
    yield {
      type: type.endsWith('-device') ? 'device' : (type as EntryType),
      path,
      target: type === 'hardlink' ? cleanName(entry.linkName) : entry.linkName.toString('latin1'),
      ...{ mode: mode & 0o7777, uid, gid, size, mtimeNs, xattrs: copied(xattrs) },
      content: () => (whole === undefined ? entry.content() : whole.length === 0 ? [] : [{ offset: 0, bytes: whole }]),
      isPatient: type !== 'file' || whole !== undefined,
      release: () => undefined,
    };
  }
}

const MADE_UP = {
  type: 'directory',
  target: '',
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 0,
  mtimeNs: 0n,
  xattrs: new Map(),
  content: () => [],
  isPatient: true,
  release: () => undefined,
} as const;

/** A name without what means nothing; absolute ones are taken from where the archive is put. */
function cleanName(name: Buffer): RawPath {
  const components = name.toString('latin1').split('/');
  if (components.includes('..')) {
    throw new CaissonError('ARCHIVE_INVALID', `the archive is not valid: '${name.toString()}' leads out of it`);
  }
  return components.filter((component) => component !== '' && component !== '.').join('/');
}

/** The directories down to one that have not been spoken of, those above first. */
function unspoken(path: RawPath, spoken: Set<RawPath>): RawPath[] {
  const missing: RawPath[] = [];
  for (let at = path; at !== '.' && !spoken.has(at); at = posix.dirname(at)) {
    spoken.add(at);
    missing.unshift(at);
  }
  return missing;
}

function copied(xattrs: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  return xattrs.size === 0 ? xattrs : new Map([...xattrs].filter(([name]) => isCopied(name)));
}

function nameless({ type }: TarEntry): CaissonError {
  return new CaissonError('ARCHIVE_INVALID', `the archive is not valid: it has a ${type} without a name`);
}
