import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A root file system of Debian (or the relative this machine runs) made by debootstrap from the mirror apt uses;
 * undefined without root or debootstrap. It takes up to a minute, so it is made for the first test that asks (in a
 * beforeAll, whose time limit is longer) and kept in the system's temporary directory for later runs. Nobody writes to it.
 */
export async function debianTree(): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/sbin/debootstrap')) return undefined;
  const { site, suite } = await aptSource();
  const tree = join(tmpdir(), `caisson-test-${suite}`);
  // Whoever else made a directory of this name is not to be trusted with the content.
  if (existsSync(tree) && statSync(tree).uid === 0) return tree;
  const unfinished = mkdtempSync(`${tree}-`);
  try {
    await run('/usr/sbin/debootstrap', ['--variant=minbase', suite, unfinished, ...site]);
    renameSync(unfinished, tree);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return tree;
}

async function aptSource(): Promise<{ readonly site: readonly string[]; readonly suite: string }> {
  const format = ['--format', '$(SITE) $(RELEASE)', 'Created-By: Packages'];
  const { stdout } = await run('apt-get', ['indextargets', ...format]);
  const [first = ''] = stdout.split('\n');
  const [site, suite] = first.split(' ');
  if (site && suite) return { site: [site], suite };
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  return { site: [], suite: codename ?? 'stable' };
}
