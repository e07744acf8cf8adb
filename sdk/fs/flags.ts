/** The flags of open(2) by node:fs's names. */
import { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } from '../../syscalls/index.ts';

const FLAGS: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  rs: O_RDONLY | O_SYNC,
  'r+': O_RDWR,
  'rs+': O_RDWR | O_SYNC,
  w: O_TRUNC | O_CREAT | O_WRONLY,
  wx: O_TRUNC | O_CREAT | O_WRONLY | O_EXCL,
  'w+': O_TRUNC | O_CREAT | O_RDWR,
  'wx+': O_TRUNC | O_CREAT | O_RDWR | O_EXCL,
  a: O_APPEND | O_CREAT | O_WRONLY,
  ax: O_APPEND | O_CREAT | O_WRONLY | O_EXCL,
  as: O_APPEND | O_CREAT | O_WRONLY | O_SYNC,
  'a+': O_APPEND | O_CREAT | O_RDWR,
  'ax+': O_APPEND | O_CREAT | O_RDWR | O_EXCL,
  'as+': O_APPEND | O_CREAT | O_RDWR | O_SYNC,
};

/** Names that mean the same as others. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  sr: 'rs',
  'sr+': 'rs+',
  xw: 'wx',
  'xw+': 'wx+',
  xa: 'ax',
  'xa+': 'ax+',
  sa: 'as',
  'sa+': 'as+',
};

/** @throws TypeError with Node's code for a name that there is not */
export function parseFlags(flags: string | number | null | undefined, otherwise = 'r'): number {
  if (typeof flags === 'number') return flags;
  const name = flags ?? otherwise;
  const found = FLAGS[OTHER_NAMES[name] ?? name];
  if (found !== undefined) return found;
  throw Object.assign(new TypeError(`unknown flags of a file: '${name}'`), { code: 'ERR_INVALID_ARG_VALUE' });
}

/** What new files lack of the mode that is asked for: the umask of processes in containers. */
export const UMASK = 0o022;

/** A mode given as node:fs takes it: a number, or octal digits. */
export function parseMode(mode: string | number | null | undefined, otherwise: number): number {
  if (mode === undefined || mode === null) return otherwise;
  const number = typeof mode === 'string' && /^[0-7]+$/.test(mode) ? Number.parseInt(mode, 8) : mode;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 0xffff_ffff) return number;
  throw Object.assign(new TypeError(`a mode must be an integer or octal digits, got ${JSON.stringify(mode)}`), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
}
