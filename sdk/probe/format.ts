/** What the probe says, as a table for people. */
import type { Fact, FactStatus, Probe } from './fact.ts';

const MARKS: Readonly<Record<FactStatus, string>> = { ok: 'ok', limited: 'limited', missing: 'MISSING' };

/**
 * A line for each fact, what to do under those that want it, and what it comes to.
 * @param width of the lines, in columns
 */
export function formatProbe({ ok, facts }: Pick<Probe, 'ok' | 'facts'>, width: number): string {
  const nameWidth = Math.max(...facts.map(({ name }) => name.length)) + 2;
  const statusWidth = Math.max(...Object.values(MARKS).map((mark) => mark.length)) + 2;
  const margin = nameWidth + statusWidth;
  const lines = facts.flatMap((fact) => {
    const [first = '', ...rest] = textsOf(fact).flatMap((text) => wrap(text, Math.max(width - margin, 20)));
    const head = fact.name.padEnd(nameWidth) + MARKS[fact.status].padEnd(statusWidth);
    return [head + first, ...rest.map((line) => ' '.repeat(margin) + line)];
  });
  return `${[...lines, '', ok ? 'containers can run here' : 'no containers can run here'].join('\n')}\n`;
}

function textsOf({ status, summary, detail, remedy, neededFor }: Fact): string[] {
  if (status === 'ok') return [summary];
  return [
    summary,
    ...(detail === undefined ? [] : [detail]),
    ...(remedy === undefined ? [] : [`→ ${remedy}`]),
    `for ${neededFor}`,
  ];
}

/** Breaks a text between words; a word that is longer than a line has one of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
