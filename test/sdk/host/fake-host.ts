import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'vitest';
import { temporaryDirectory } from '../../support/temporary.ts';

/** A file's content and mode, the mode of a directory, or where a link leads. */
export type FakeEntry =
  | readonly [content: string, mode: number]
  | { readonly mode: number }
  | { readonly target: string };

/** The root directory of a machine that has /etc and these files; files and directories have the mode given, whatever the umask. */
export function fakeHost(context: TestContext, entries: Readonly<Record<string, FakeEntry>>): string {
  const host = temporaryDirectory(context, 0o755);
  mkdirSync(join(host, 'etc'));
  for (const [name, entry] of Object.entries(entries)) {
    const path = join(host, name);
    mkdirSync(dirname(path), { recursive: true });
    if ('target' in entry) symlinkSync(entry.target, path);
    else if ('mode' in entry) mkdirSync(path);
    else writeFileSync(path, entry[0]);
    if (!('target' in entry)) chmodSync(path, 'mode' in entry ? entry.mode : entry[1]);
  }
  return host;
}
