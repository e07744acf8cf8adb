/** Results as text: tables for a terminal, and the README's table. */
import {
  type BenchResult,
  type Machine,
  type MeasuredRow,
  medianOf,
  type Row,
  type Scenario,
  summarize,
  type Target,
} from './result.ts';

/** All figures of a run. */
export function formatReport({ machine, scenarios, targets }: BenchResult): string {
  const notes = [...new Set(scenarios.flatMap((scenario) => scenario.notes ?? []))];
  return [
    formatMachine(machine),
    ...scenarios.map(formatScenario),
    `notes\n${notes.map((note) => `  ${note}`).join('\n')}`,
    `targets\n${formatTargets(targets)}`,
  ].join('\n\n');
}

/** The README's table: a line per scenario, a column per contender, medians. */
export function formatMarkdown({ machine, scenarios, targets }: BenchResult): string {
  const names = [
    'caisson',
    'limit',
    'child_process',
    'bwrap',
    'unshare',
    'nsenter',
    'crun',
    'runc',
    'podman',
    'docker',
    'skopeo copy',
    'tar -xzf',
  ];
  const shown = scenarios.filter(({ id }) => /^(run|exec|many|stdout|pull|snapshot)/.test(id));
  const find = (scenario: Scenario, name: string) => {
    const value = medianOf(scenarios, scenario.id, name) ?? medianOf(scenarios, scenario.id, `${name} exec`);
    return value === undefined ? '–' : formatNumber(value);
  };
  const columns = names.filter((name) => shown.some((scenario) => find(scenario, name) !== '–'));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    `Medians of one run, contenders in turns. ${formatMachine(machine)}`,
    '',
    line(['', ...columns]),
    line(['---', ...columns.map(() => '---:')]),
    ...shown.map((scenario) =>
      line([`${scenario.title} (${scenario.unit})`, ...columns.map((name) => find(scenario, name))]),
    ),
    '',
    line(['target', 'measured', '']),
    line(['---', '---:', '---']),
    ...foldTargets(targets).map(line),
  ].join('\n');
}

function formatMachine(machine: Machine): string {
  const { cpu, cores, memoryGiB, kernel, node, diskType, loadAtStart, date, versions } = machine;
  const peers = Object.values(versions).filter((version) => version !== 'not installed');
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${diskType}; Linux ${kernel}; Node ${node}; `,
    `load ${loadAtStart.toFixed(2)} at the start; ${date.slice(0, 10)}; ${peers.join('; ')}`,
  ].join('');
}

function formatScenario(scenario: Scenario): string {
  const reference = (name: string) => medianOf([scenario], scenario.id, name);
  const [limit, bwrap, nsenter] = [reference('limit'), reference('bwrap'), reference('nsenter')];
  const child = scenario.id === 'stdout' ? reference('child_process') : undefined;
  const references = { limit, bwrap, nsenter, child_process: child };
  const columns = Object.entries(references).filter((each): each is [string, number] => each[1] !== undefined);
  const head = ['', 'median', 'p10 – p90', 'n', ...columns.map(([name]) => `/ ${name}`)];
  const measured = scenario.rows.filter((row): row is MeasuredRow => row.kind === 'measured');
  const lines = measured.map((row) => {
    const { median, p10, p90, count } = summarize(row.samples);
    const spread = count > 1 ? `${formatNumber(p10)} – ${formatNumber(p90)}` : '';
    return [
      row.name,
      formatNumber(median),
      spread,
      `${count}`,
      ...columns.map(([, value]) => (median / value).toFixed(2)),
    ];
  });
  const problems = scenario.rows.flatMap(formatProblem);
  return [`${scenario.title} (${scenario.unit})`, align([head, ...lines]), ...problems].join('\n');
}

function formatProblem(row: Row): string[] {
  if (row.kind === 'skipped') return [`  ${row.name}  not run: ${row.reason}`];
  return (row.failures ?? []).map((reason) => `  ${row.name}  failed once: ${reason}`);
}

function formatTargets(targets: readonly Target[]): string {
  return align(targets.map((target) => [label(target), formatValue(target), verdict(target)]));
}

/** One line per claim, with the range of its values: the README has no room for each circumstance. */
function foldTargets(targets: readonly Target[]): string[][] {
  return [...new Set(targets.map((target) => target.claim))].map((claim) => {
    const group = targets.filter((target) => target.claim === claim);
    const measured = group
      .filter((target) => target.value !== undefined)
      .sort((a, b) => (a.value ?? 0) - (b.value ?? 0));
    const ends = [...new Set([measured.at(0), measured.at(-1)].flatMap((end) => (end ? [formatValue(end)] : [])))];
    return [claim, ends.join(' – ') || '–', foldVerdicts(group)];
  });
}

/** The verdict of all, or what is not as it should be and where. */
function foldVerdicts(group: readonly Target[]): string {
  const verdicts = [...new Set(group.map(verdict))].filter((each) => each !== 'reached');
  const where = (each: string) => group.filter((target) => verdict(target) === each).map((target) => target.where);
  if (verdicts.length === 0) return 'reached';
  return verdicts.map((each) => [each, where(each).join('; ')].filter((text) => text !== '').join(': ')).join('; ');
}

function label({ claim, where }: Target): string {
  return where === '' ? claim : `${claim} (${where})`;
}

function formatValue({ value, unit }: Target): string {
  return value === undefined ? '–' : `${formatNumber(value)} ${unit}`.trim();
}

function verdict({ reached }: Target): string {
  if (reached === undefined) return 'not measured';
  return reached ? 'reached' : 'NOT reached';
}

/** Three significant digits are more than the spread is worth. */
function formatNumber(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return Number.isInteger(value) ? `${value}` : value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

/** First column to the left, the others to the right. */
function align(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) => {
      const cells = line.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      return `  ${cells.join('  ')}`.trimEnd();
    })
    .join('\n');
}
