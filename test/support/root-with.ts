import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { temporaryDirectory } from './temporary.ts';

/** A directory with an /etc of these files. */
export function rootWith(context: TestContext, files: Readonly<Record<string, string>>): string {
  const root = temporaryDirectory(context);
  mkdirSync(join(root, 'etc'));
  chmodSync(join(root, 'etc'), 0o755);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'etc', name), text);
  return root;
}
