/** Processes of containers that are launched before these are decided: for real. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Begun, beginContainer } from '../../../sdk/engine/ahead.ts';
import { compileContainer } from '../../../sdk/engine/compile.ts';
import { DESCRIBING, decideContainer } from '../../../sdk/engine/decide.ts';
import { wiringOf } from '../../../sdk/engine/stdio.ts';
import { Image } from '../../../sdk/index.ts';
import type { ContainerOptions } from '../../../sdk/spec/options.ts';
import { describeStore } from '../../../store/index.ts';
import { expectNothingLeft, type Traces, traces } from '../../support/leftovers.ts';

const OPTIONS: ContainerOptions = process.getuid?.() === 0 ? { userns: 'host' } : {};
const specOf = (options: ContainerOptions) =>
  decideContainer(Image.host(), { command: ['true'], ...options }, ID, describeStore(), 'describe', DESCRIBING);
const ID = 'abcdef012345'.padEnd(64, '0');

describe('a process that is launched ahead', () => {
  let before: Traces;
  beforeEach(async () => {
    await begin().abandon();
    before = traces();
  });
  afterEach(() => expectNothingLeft(before));

  test('is in a network of its own by the time it waits', async () => {
    const begun = begin();
    const pid = childrenSince(before)[0];
    const devices = () => readFileSync(`/proc/${pid}/net/dev`, 'utf8').trim().split('\n').slice(2);
    await expect.poll(() => devices().map((line) => line.trim().split(':')[0])).toEqual(['lo']);
    await begun.abandon();
  });

  test('waits for as long as its owner likes', async () => {
    const begun = begin();
    const [pid] = childrenSince(before);
    await setTimeout(100);
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/^\d+ \(.*\) S /);
    await begun.abandon();
  });

  test('is gone when it has been abandoned, be it twice', async () => {
    const begun = begin();
    expect(childrenSince(before)).toHaveLength(1);
    await begun.abandon();
    expect(childrenSince(before)).toEqual([]);
    await begun.abandon();
  });

  test('that somebody has killed takes no rest, and can be abandoned, too', async () => {
    const begun = begin();
    const pid = childrenSince(before)[0] as number;
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /);
    const plan = compileContainer(specOf(OPTIONS), wiringOf(begun.stdio), ID, true);
    expect(() => begun.give(plan)).toThrow(expect.objectContaining({ code: 'KILLED' }));
    await begun.abandon();
  });

  test('fits the spec of its own options, and none with other namespaces', async () => {
    const begun = begin();
    expect(begun.fits(specOf(OPTIONS))).toBe(true);
    expect(begun.fits(specOf({ ...OPTIONS, hostname: 'box', readOnly: true }))).toBe(true);
    expect(begun.fits(specOf({ ...OPTIONS, network: 'host' }))).toBe(false);
    expect(begun.fits(specOf({ ...OPTIONS, namespaces: { ipc: 'host' } }))).toBe(false);
    await begun.abandon();
  });

  test('there is none of a container about which something has to be looked up', () => {
    expect(beginContainer({ ...OPTIONS, network: { container: 'other' } }, 'ignore')).toBeUndefined();
    expect(beginContainer({ ...OPTIONS, detach: true }, 'ignore')).toBeUndefined();
  });
});

function begin(): Begun {
  const begun = beginContainer(OPTIONS, 'ignore');
  if (begun === undefined) throw new Error('nothing was begun');
  return begun;
}

/** The children of this process that were not there before. */
function childrenSince(before: Traces): number[] {
  const known = new Set(before.flatMap((trace) => /^process (\d+)/.exec(trace)?.[1] ?? []));
  const all = readdirSync('/proc/self/task').flatMap((task) => {
    return readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(' ');
  });
  return all.filter((pid) => pid !== '' && !known.has(pid)).map(Number);
}
