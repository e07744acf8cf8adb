/** What this machine's files say of names and addresses. */
import { statSync } from 'node:fs';
import { readHostFile } from '../../store/places.ts';

/** A file as it was read last. */
interface Known {
  readonly stamp: string;
  readonly text: string;
}

const known = new Map<string, Known>();

/** systemd-resolved's list of the servers that it asks itself: its /etc/resolv.conf names nothing but its own address. */
const RESOLVED = '/run/systemd/resolve/resolv.conf';

/** The machine's /etc/resolv.conf, with servers that others may ask where it knows them; empty where there is none. */
export function readResolvConf(): string {
  const text = read('/etc/resolv.conf');
  return /^\s*nameserver\s+127\.0\.0\.53\s*$/m.test(text) ? read(RESOLVED) || text : text;
}

/** The machine's /etc/hosts; empty where there is none. */
export function readHosts(): string {
  return read('/etc/hosts');
}

/** Read again when it has changed: to look is a tenth of reading. */
function read(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return '';
  const stamp = `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
  const last = known.get(path);
  if (last?.stamp === stamp) return last.text;
  const text = readHostFile(path);
  known.set(path, { stamp, text });
  return text;
}
