/** Which store a call is about. A door of its own: it is asked for at once, also by who has yet to load what opens one. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

interface User {
  readonly uid: number;
  readonly home: string;
}

/** Where the store lies, as the environment says now. */
export function storeRoot(): string {
  return resolve(defaultRoot(process.env, () => ({ uid: process.geteuid?.() ?? 0, home: homedir() })));
}

/**
 * Where the store lies, and where when nobody says. Pure: what it depends on is passed in.
 * @param user who asks; only asked for where nobody says
 */
export function defaultRoot(env: Environment, user: () => User): string {
  const { CAISSON_ROOT = '' } = env;
  if (CAISSON_ROOT !== '') return CAISSON_ROOT;
  const { uid, home } = user();
  if (uid === 0) return '/var/lib/caisson';
  // The XDG specification has relative paths ignored.
  const data = env.XDG_DATA_HOME;
  return join(data !== undefined && isAbsolute(data) ? data : join(home, '.local', 'share'), 'caisson');
}
