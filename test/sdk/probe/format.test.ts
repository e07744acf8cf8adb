import { expect, test } from 'vitest';
import { type FactName, type Finding, makeProbe, NEEDED_FOR } from '../../../sdk/probe/fact.ts';
import { formatProbe } from '../../../sdk/probe/format.ts';

const names = Object.keys(NEEDED_FOR) as FactName[];
const fine: Finding = { status: 'ok', summary: 'fine' };
const withFindings = (findings: Partial<Record<FactName, Finding>>, required: FactName[]) => {
  const all = Object.fromEntries(names.map((name) => [name, findings[name] ?? fine])) as Record<FactName, Finding>;
  return makeProbe(all, new Set(required));
};

test('containers can run unless something that is required is missing', () => {
  const missing: Finding = { status: 'missing', summary: 'no', remedy: 'do' };
  expect(withFindings({ tun: missing }, ['kernel']).ok).toBe(true);
  expect(withFindings({ kernel: { ...missing, status: 'limited' } }, ['kernel']).ok).toBe(true);
  expect(withFindings({ kernel: missing }, ['kernel']).ok).toBe(false);
});

test('a fact is found by its name, and a name that is none is refused', () => {
  const probe = withFindings({}, []);
  expect(probe.fact('tun')).toBe(probe.facts.find(({ name }) => name === 'tun'));
  expect(() => probe.fact('dmesg' as FactName)).toThrow(TypeError);
  expect(Object.keys(JSON.parse(JSON.stringify(probe)))).toEqual(['ok', 'facts']);
});

test('the table says what to do, and breaks lines between words', () => {
  const { facts } = withFindings(
    { tun: { status: 'missing', summary: 'none is here', remedy: 'load the module' } },
    [],
  );
  const shown = facts.filter(({ name }) => name === 'seccomp' || name === 'tun');
  expect(formatProbe({ ok: true, facts: shown }, 40)).toBe(
    [
      'seccomp  ok       fine',
      'tun      MISSING  none is here',
      '                  → load the module',
      '                  for networks of',
      '                  containers without',
      '                  root',
      '',
      'containers can run here',
      '',
    ].join('\n'),
  );
});
