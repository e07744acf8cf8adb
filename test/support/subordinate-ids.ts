import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { requires } from './requires.ts';
import { type RunningScript, runScript, type ScriptOptions, type ScriptResult, startScript } from './script.ts';
import { temporaryDirectory } from './temporary.ts';

/** The user that scripts with subordinate ids run as, by this name: nobody else has this id. */
export const SUBORDINATE_UID = 42_420;
const USER = 'caisson-test';
const NEEDED = ['/usr/bin/newuidmap', '/usr/bin/newgidmap', '/etc/subuid', '/etc/subgid'];

/** What {@link runSubordinate} can be asked for besides. */
export interface SubordinateOptions extends Omit<ScriptOptions, 'uid' | 'wrap'> {
  /** Lines of /etc/subuid and /etc/subgid. @default one range of 65536 for this user */
  readonly ranges?: string;
  /** Programs that cannot be executed. */
  readonly hidden?: readonly string[];
  /** Further options of setpriv(1), which makes the script run as the user. */
  readonly setpriv?: readonly string[];
}

/** Runs a script as a user of its own who has subordinate ids: see {@link startSubordinate}. Waits for its end. */
export function runSubordinate(
  context: TestContext,
  script: string,
  options?: SubordinateOptions,
): Promise<ScriptResult> {
  return runScript(context, script, scriptOptions(context, options));
}

/**
 * Starts a script as a user of its own who has subordinate ids. This machine's /etc stays as it is: the script has
 * mounts of its own, where /etc/passwd, /etc/subuid and /etc/subgid are others.
 */
export function startSubordinate(context: TestContext, script: string, options?: SubordinateOptions): RunningScript {
  return startScript(context, script, scriptOptions(context, options));
}

function scriptOptions(
  context: TestContext,
  { ranges = `${USER}:500000:65536\n`, hidden = [], setpriv = [], ...options }: SubordinateOptions = {},
): ScriptOptions {
  requires(
    context,
    process.getuid?.() === 0 && NEEDED.every((path) => existsSync(path)),
    'root, newuidmap (uidmap) and /etc/subuid',
  );
  const directory = temporaryDirectory(context, 0o755);
  const passwd = `${readFileSync('/etc/passwd', 'utf8')}${USER}:x:${SUBORDINATE_UID}:${SUBORDINATE_UID}::/:/bin/sh\n`;
  const files = { passwd, subuid: ranges, subgid: ranges };
  const mounts = Object.entries(files).map(([name, content]) => {
    writeFileSync(join(directory, name), content, { mode: 0o644 });
    return `mount --bind ${directory}/${name} /etc/${name}`;
  });
  const hide = hidden.map((path) => `mount --bind ${directory}/subuid ${path}`);
  const ids = ['--reuid', String(SUBORDINATE_UID), '--regid', String(SUBORDINATE_UID), '--clear-groups'];
  const script = [...mounts, ...hide, 'exec "$@"'].join('\n');
  return {
    ...options,
    uid: SUBORDINATE_UID,
    wrap: (command) => ['unshare', '--mount', 'sh', '-ec', script, 'sh', 'setpriv', ...ids, ...setpriv, ...command],
  };
}
