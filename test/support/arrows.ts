import type { Import } from './imports.ts';

/** The folders, each with those it may import from. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  examples: ['caisson', 'node:'],
  sdk: ['sdk', 'store', 'syscalls', 'node:', 'package'],
  store: ['store', 'syscalls', 'node:', 'package'],
  syscalls: ['syscalls', 'node:', 'koffi'],
};

/** Other ways into a folder: to little of it, and to what is loaded when it is first needed. */
const DOORS: readonly string[] = [
  'sdk/ready/start.ts',
  'store/places.ts',
  'store/root.ts',
  'store/transfer.ts',
  'syscalls/common.ts',
];

/** What is wrong with these imports, as sentences; nothing when the folders are as ARCHITECTURE.md draws them. */
export function brokenArrows(imports: readonly Import[]): string[] {
  const files = new Set(imports.flatMap(({ from, to }) => [from, to]));
  const wrong = imports.flatMap((each) => {
    const reason = wrongDirection(each) ?? pastTheDoor(each, files);
    return reason === undefined ? [] : [`${each.from} imports ${each.to}: ${reason}`];
  });
  return [...wrong, ...cycles(imports).map((cycle) => `import cycle: ${cycle.join(' → ')}`)];
}

function wrongDirection({ from, to }: Import): string | undefined {
  const allowed = ARROWS[folderOf(from)];
  if (allowed === undefined || allowed.includes(kindOf(to))) return undefined;
  return `${folderOf(from)} may import from ${allowed.join(', ')} only`;
}

function kindOf(to: string): string {
  if (to.startsWith('node:')) return 'node:';
  if (to === 'koffi' || to === 'caisson') return to;
  if (to === 'caisson/syscalls') return 'caisson';
  return to.endsWith('.ts') ? folderOf(to) : 'package';
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? path;
}

/** The folders of the top level, and those in them that have an index.ts, are entered through it. */
function pastTheDoor({ from, to }: Import, files: ReadonlySet<string>): string | undefined {
  if (ARROWS[folderOf(from)] === undefined || !to.endsWith('.ts')) return undefined;
  const entered = foldersAbove(to).filter((folder) => !from.startsWith(`${folder}/`));
  const folder = entered.find((each) => !each.includes('/') || files.has(`${each}/index.ts`));
  const isDoor = to === `${folder}/index.ts` || DOORS.includes(to);
  return folder === undefined || isDoor ? undefined : `enter through ${folder}/index.ts`;
}

/** `'a/b/c.ts'` → `['a', 'a/b']` */
function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Circles of imports that are still there after compilation, each once, starting at the file first in the alphabet. */
function cycles(imports: readonly Import[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports) {
    if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const found: string[][] = [];
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const target of next.get(file) ?? []) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of [...next.keys()].sort()) walk(file, []);
  return found;
}
