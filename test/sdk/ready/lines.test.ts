import { expect, test } from 'vitest';
import { OutputLines } from '../../../sdk/ready/lines.ts';

function heard(lines: OutputLines): string[] {
  const all: string[] = [];
  lines.listen((line, stream, isWhole) => all.push(`${stream}: ${line}${isWhole ? '' : '…'}`));
  return all;
}

const out = (text: string) => ({ stream: 'stdout' as const, data: Buffer.from(text) });

test('lines are told, whatever pieces they come in, each stream for itself; and what there is of one', () => {
  const lines = new OutputLines();
  const all = heard(lines);
  lines.add(out('one\r\ntw'));
  lines.add({ stream: 'stderr', data: Buffer.from('oops\n') });
  const euro = Buffer.from('€\n');
  lines.add({ stream: 'stdout', data: euro.subarray(0, 1) });
  lines.add({ stream: 'stdout', data: euro.subarray(1) });
  expect(all).toEqual(['stdout: one', 'stdout: tw…', 'stderr: oops', 'stdout: tw…', 'stdout: tw€']);
});

test('what has no end of line is a line when the output ends', async () => {
  const lines = new OutputLines();
  const all = heard(lines);
  lines.add(out('half'));
  expect(all).toEqual(['stdout: half…']);
  lines.end();
  await lines.ended;
  expect(all).toEqual(['stdout: half…', 'stdout: half']);
});

test('the last 20 lines are kept, and no more than 4096 characters of them', () => {
  const lines = new OutputLines();
  for (let number = 1; number <= 50; number++) lines.add(out(`line ${number}\n`));
  lines.add(out('unfinished'));
  const last = lines.last().stdout.split('\n');
  expect(last).toHaveLength(20);
  expect([last[0], last.at(-1)]).toEqual(['line 32', 'unfinished']);
  lines.add(out('x'.repeat(200_000)));
  expect(lines.last().stdout).toHaveLength(4096);
  expect(lines.last().stderr).toBe('');
});
