/** What loading the package adds to the start of a Node process. */
import { type Entry, type Pace, race } from '../harness.ts';
import { PACKAGE_ROOT } from '../places.ts';
import { type Command, run } from '../processes.ts';
import type { MeasuredRow, Row, Scenario } from '../result.ts';

const EMPTY = { esm: 'node, nothing imported (ESM)', cjs: 'node, nothing imported (CommonJS)' };
const LOADED = { esm: "node, import 'caisson'", cjs: "node, require('caisson')" };
/** The rows that the target is about. */
export const ADDED = { esm: "import 'caisson' adds", cjs: "require('caisson') adds" };

/** Fresh processes, in the package's own directory: there its name resolves through its own exports map. */
export async function measureImport(pace: Pace): Promise<Scenario> {
  const esm = ['--input-type=module', '-e'];
  const rows = await race(
    [
      wholeProcess(EMPTY.cjs, ['-e', '0']),
      wholeProcess(LOADED.cjs, ['-e', "require('caisson')"]),
      wholeProcess(EMPTY.esm, [...esm, '0']),
      wholeProcess(LOADED.esm, [...esm, "import 'caisson'"]),
      timedInside("await import('caisson')", [...esm, inside("await import('caisson')")]),
      timedInside("require('caisson')", ['-e', inside("require('caisson')")]),
    ],
    pace,
  );
  const added = (['esm', 'cjs'] as const).map((kind) => difference(ADDED[kind], rows, LOADED[kind], EMPTY[kind]));
  return {
    id: 'import',
    title: 'import of the package',
    unit: 'ms',
    rows: [...added, ...rows],
    notes: ['"adds" is the difference of neighbouring runs: a process that imports minus one that does not'],
  };
}

function wholeProcess(name: string, args: readonly string[]): Entry {
  return { name, open: async () => ({ sample: async () => (await node(args)).elapsedMs }) };
}

function timedInside(statement: string, args: readonly string[]): Entry {
  return {
    name: `${statement}, timed inside`,
    open: async () => ({ sample: async () => Number((await node(args)).stdout) }),
  };
}

function inside(statement: string): string {
  return `const begin = performance.now(); ${statement}; console.log(performance.now() - begin)`;
}

/** Without the loaders and options that this process itself was started with. */
function node(args: readonly string[]) {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const command: Command = [process.execPath, ...args];
  return run(command, { cwd: PACKAGE_ROOT, env });
}

function difference(name: string, rows: readonly Row[], more: string, less: string): Row {
  const find = (wanted: string) => rows.find((row) => row.name === wanted);
  const [a, b] = [find(more), find(less)];
  const failed = [a, b].find((row) => row?.kind === 'skipped');
  if (failed?.kind === 'skipped') return { kind: 'skipped', name, reason: failed.reason };
  const base = (b as MeasuredRow).samples;
  const samples = (a as MeasuredRow).samples.map((sample, index) => sample - (base[index] ?? Number.NaN));
  return { kind: 'measured', name, samples: samples.filter((sample) => !Number.isNaN(sample)) };
}
