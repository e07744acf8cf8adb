/** What an unknown option may have been meant to be. */

/** What users of docker, child_process and execa write, and what it is called here. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  args: 'command',
  binds: 'mounts',
  cmd: 'command',
  cwd: 'workdir',
  environment: 'env',
  input: 'stdin',
  killSignal: 'stopSignal',
  maxBuffer: 'maxOutputBytes',
  net: 'network',
  uid: 'user',
  volumes: 'mounts',
};

/** The same of what there is by other means, or not at all. */
const OTHER_MEANS: Readonly<Record<string, string>> = {
  ports: "reach its ports by container.connect(), or share this machine's network: { network: 'host' }",
  privileged: 'no container has all rights of this machine: give it the devices and mounts that it needs',
  rm: 'run() removes its container by itself; others are removed by container.remove()',
};

/** @returns what to say of an unknown option, when there is something: in parentheses, and with a space before them */
export function hintFor(name: string, known: readonly string[]): string {
  const hint = Object.hasOwn(OTHER_MEANS, name) && known.includes('env') ? OTHER_MEANS[name] : didYouMean(name, known);
  return hint === undefined ? '' : ` (${hint})`;
}

function didYouMean(name: string, known: readonly string[]): string | undefined {
  const other = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined;
  const found = known.find((each) => each === other) ?? closest(name, known);
  return found === undefined ? undefined : `did you mean '${found}'?`;
}

/** The one that differs in case and underscores, in one or two letters, or in a unit or a plural at its end. */
function closest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[_-]/g, '');
  const ranked = known.map((each) => ({ each, distance: distanceBetween(plain(name), plain(each)) }));
  const [best] = ranked.sort((a, b) => a.distance - b.distance);
  if (best === undefined || best.distance > Math.min(2, best.each.length / 3)) return undefined;
  return best.each;
}

/** How many letters are to be changed, added or left out (Levenshtein). */
function distanceBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const above = row;
    row = [index + 1];
    for (let at = 1; at <= to.length; at++) {
      const changed = (above[at - 1] ?? 0) + (to[at - 1] === letter ? 0 : 1);
      row.push(Math.min(changed, (above[at] ?? 0) + 1, (row[at - 1] ?? 0) + 1));
    }
  }
  return row[to.length] ?? 0;
}
