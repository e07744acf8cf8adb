/** The steps of the stub that checks a container's health, and of what becomes a check. */
import { describe, expect, test } from 'vitest';
import { planHealth } from '../../../sdk/plan/health.ts';
import { planCheck } from '../../../sdk/plan/health-check.ts';
import { planJoin } from '../../../sdk/plan/join.ts';
import type { SpecHealth } from '../../../sdk/spec/health.ts';
import { compile } from '../../../syscalls/index.ts';
import { callsOf, first, PIPES, specOf } from './specs.ts';

const health: SpecHealth = {
  args: ['true'],
  intervalMs: 1500,
  timeoutMs: 250,
  retries: 3,
  startPeriodMs: 0,
  startIntervalMs: 100,
};
const spec = specOf({});
const timers = (over: Partial<SpecHealth>) => {
  return callsOf(planHealth(spec, { ...health, ...over }).stub).filter((call) => call.startsWith('timerfd_settime'));
};

test('it dies with its owner, cannot be looked into and is in no namespace of the container', () => {
  const { stub, launch } = planHealth(spec, health);
  expect(first(stub, /^prctl\(PR_SET_PDEATHSIG/)).toBe(0);
  expect(first(stub, /^prctl\(PR_SET_DUMPABLE, 0,/)).toBeLessThan(first(stub, /^openat\(.*"health"/));
  expect(callsOf(stub).join()).not.toMatch(/setns|CLONE_NEW/);
  expect(callsOf(launch).join()).not.toMatch(/CLONE_NEW/);
});

test('a check joins the container as an executed command does', () => {
  const process = { ...spec.process, args: ['true'] };
  const { launch: _, ...check } = planCheck(spec, health);
  expect(callsOf(check.stub)).toEqual(callsOf(planJoin(spec, process, PIPES).stub));
});

describe('timers', () => {
  test('without a start period there is one interval', () => {
    expect(timers({})).toHaveLength(3);
    expect(timers({})[0]).toContain('tv_sec=1, tv_nsec=500000000');
    expect(timers({})[1]).toContain('tv_sec=0, tv_nsec=250000000');
  });

  test('with one there are two', () => {
    expect(timers({ startPeriodMs: 60_000 }).map((call) => /tv_sec=\d+/.exec(call)?.[0])).toEqual([
      'tv_sec=60',
      'tv_sec=0',
      'tv_sec=1',
      'tv_sec=0',
      'tv_sec=1',
    ]);
  });
});

test('it is a small program', () => {
  expect(compile(planHealth(spec, health)).image.length).toBeLessThan(48 * 1024);
});
