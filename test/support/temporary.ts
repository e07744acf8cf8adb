import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

/**
 * An empty directory of the test's own, removed after it, failed or not; readable by every user with `mode: 0o755`.
 * A mount left in it fails the test and keeps the directory: removing it would remove what is mounted.
 */
export function temporaryDirectory(context: TestContext, mode = 0o700): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'caisson-test-')));
  chmodSync(directory, mode);
  context.onTestFinished(() => removeTree(directory));
  return directory;
}

/** Removes a directory with everything in it, also what overlayfs left there without permissions. */
export function removeTree(directory: string): void {
  const mounts = mountPointsBelow(directory);
  if (mounts.length > 0) throw new Error(`not removing '${directory}': still mounted in it: ${mounts.join(', ')}`);
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    // overlayfs keeps a directory of mode 0 in its work directory, which only root enters.
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    execFileSync('chmod', ['-R', 'u+rwX', directory]);
    rmSync(directory, { recursive: true, force: true });
  }
}

function mountPointsBelow(directory: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n');
  const points = lines.map((line) => unescapeOctal(line.split(' ')[4] ?? ''));
  return points.filter((point) => point === directory || point.startsWith(`${directory}/`));
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
