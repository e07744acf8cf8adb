import { spawnSync } from 'node:child_process';

/** Whether a program is on the PATH, and, where `saying` is given, says that when asked for its version. */
export function has(program: string, saying = /(?:)/): boolean {
  const { error, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return error === undefined && saying.test(stdout);
}
