import { readdirSync, readFileSync } from 'node:fs';

/** The processes of `sleep` with a word as its argument. A zombie has none. */
export function carriers(word: string): number[] {
  const commandLine = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && commandLine(pid).includes(`sleep\0${word}`));
}
