/** What a run of the bench produces: plain data, printed as a table and written as JSON. */

/** What one contender did in one scenario. */
export type Row = MeasuredRow | SkippedRow;

/** A contender that took part. */
export interface MeasuredRow {
  readonly kind: 'measured';
  readonly name: string;
  readonly samples: readonly number[];
  /** Why some of its turns gave no sample; they are not hidden behind those that did. */
  readonly failures?: readonly string[];
}

/** A contender that could not take part, or failed while it did. */
export interface SkippedRow {
  readonly kind: 'skipped';
  readonly name: string;
  readonly reason: string;
}

/** One question, and everyone's answer to it in the same minutes on the same machine. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly unit: 'ms' | 'MiB/s' | 'KiB' | 'processes';
  readonly rows: readonly Row[];
  readonly notes?: readonly string[];
}

/** A promise the project makes, held against the figures. */
export interface Target {
  readonly claim: string;
  /** Under which circumstances, when it is made for several. */
  readonly where: string;
  /** The measured value, or undefined when something it needs was not measured. */
  readonly value: number | undefined;
  readonly limit: number;
  readonly unit: string;
  readonly reached: boolean | undefined;
}

/** Where the figures are from; without it they mean nothing. */
export interface Machine {
  readonly date: string;
  readonly kernel: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly diskType: string;
  readonly loadAtStart: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** Everything of one run. */
export interface BenchResult {
  readonly machine: Machine;
  readonly scenarios: readonly Scenario[];
  readonly targets: readonly Target[];
}

/** The middle of the samples and how far they spread. */
export interface Statistics {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly count: number;
}

/** Medians and percentiles: a shared machine has outliers, which a mean would report as the rule. */
export function summarize(samples: readonly number[]): Statistics {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    p10: quantile(sorted, 0.1),
    p90: quantile(sorted, 0.9),
    count: sorted.length,
  };
}

/** The median of a contender in a scenario, when both exist and it was measured. */
export function medianOf(scenarios: readonly Scenario[], id: string, name: string): number | undefined {
  const row = scenarios.find((scenario) => scenario.id === id)?.rows.find((each) => each.name === name);
  return row?.kind === 'measured' ? summarize(row.samples).median : undefined;
}

function quantile(sorted: readonly number[], fraction: number): number {
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}
