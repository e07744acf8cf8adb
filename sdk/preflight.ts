import type { Probe } from './probe/index.ts';

/**
 * What this machine can do for this user, and what to change for the rest: it is really tried, where no setting tells for
 * certain. Never throws for what is missing. It takes some thirty milliseconds of this thread, and leaves nothing behind.
 *
 * The same as a table: `npx caisson probe`.
 *
 * @example
 * const { ok, facts } = await probe();
 * if (!ok) throw new Error(facts.filter((fact) => fact.status === 'missing').map((fact) => fact.remedy).join('\n'));
 */
export async function probe(): Promise<Probe> {
  const { probe: look } = await import('./probe/index.ts');
  return look();
}
