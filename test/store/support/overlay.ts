import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Directories of an overlay, after a script has changed what it showed. */
export interface Overlay {
  readonly lower: string;
  readonly upper: string;
  /** A copy of what it showed in the end. */
  readonly seen: string;
}

/**
 * Lets a shell script make a lower directory, and another change it through the kernel's overlay, mounted where only
 * the script sees it. With `userxattr`, in a user namespace.
 */
export function changeThroughOverlay(directory: string, make: string, change: string, options = ''): Overlay {
  const [lower, upper, work, seen, mount] = ['lower', 'upper', 'work', 'seen', 'mount'].map((name) => {
    mkdirSync(join(directory, name));
    return join(directory, name);
  }) as [string, string, string, string, string];
  shell('sh', lower, make);
  const overlay = `mount -t overlay o -o ${options}lowerdir=${lower},upperdir=${upper},workdir=${work} ${mount}`;
  const namespace = options.includes('userxattr') ? '-Urm' : '-m';
  shell('unshare', directory, `${overlay}; cd ${mount}; ${change}\ncp -a . ${seen}`, namespace, 'sh');
  return { lower, upper, seen };
}

function shell(program: string, cwd: string, script: string, ...args: readonly string[]): void {
  execFileSync(program, [...args, '-ec', script], { cwd, stdio: 'pipe' });
}
