/** Which store a call is about. A door of its own: it is asked for at once, also by who has yet to load what opens one. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Where the store lies, as the environment says now. */
export function storeRoot(): string {
  return resolve(defaultRoot(process.env, process.geteuid?.() ?? 0, homedir()));
}

/** Where the store lies when nobody says. Pure: what it depends on is passed in. */
export function defaultRoot(env: Readonly<Record<string, string | undefined>>, uid: number, home: string): string {
  if (env.CAISSON_ROOT !== undefined && env.CAISSON_ROOT !== '') return env.CAISSON_ROOT;
  if (uid === 0) return '/var/lib/caisson';
  // The XDG specification has relative paths ignored.
  const data = env.XDG_DATA_HOME;
  return join(data !== undefined && isAbsolute(data) ? data : join(home, '.local', 'share'), 'caisson');
}
