/** The launching part of plans, made for real: without namespaces, so that any user may. */
import { readFileSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { launchSteps } from '../../../sdk/plan/launch.ts';
import { resetSignals } from '../../../sdk/plan/signals.ts';
import {
  close,
  type Descriptor,
  execve,
  exit_group,
  type Step,
  stringArray,
  variable,
  write,
} from '../../../syscalls/index.ts';
import { openPipe, readToEnd, start, wait } from '../../syscalls/stub/launching.ts';

const NO_NAMESPACES = { namespaces: [], uidMappings: [], gidMappings: [] };
const [one, other] = [variable('one'), variable('other')];

describe('descriptors', () => {
  const say = (descriptor: number) => write.step('writing', [descriptor, `from ${descriptor} `, 7]);

  test.each<[string, [Descriptor, Descriptor, Descriptor], string, string]>([
    ['each its own', ['null', one, other], 'from 1 ', 'from 2 '],
    ['both into one', ['null', one, one], 'from 1 from 2 ', ''],
    ['crossed', ['null', other, one], 'from 2 ', 'from 1 '],
    ['into nothing', ['null', 'null', one], 'from 2 ', ''],
  ])('are wired as asked: %s', (_, stdio, inOne, inOther) => {
    expect(run(stdio, [say(1), say(2), exit_group.step('ending', [0])])).toEqual({
      one: inOne,
      other: inOther,
      status: 0,
    });
  });

  test('may be those of this process, by number, in any order', () => {
    const list = execve.step('listing', ['/bin/ls', stringArray(['ls', '-l', '/proc/self/fd']), stringArray([])]);
    const { one: text } = run([2, one, 0], [list]);
    const target = (descriptor: number) => new RegExp(` ${descriptor} -> (.*)$`, 'm').exec(text)?.[1];
    expect([target(0), target(2)]).toEqual([2, 0].map((descriptor) => readlinkSync(`/proc/self/fd/${descriptor}`)));
  });

  test('behind the report are the extra ones, from 4 on', () => {
    const { one: text } = run(['null', 'null', 'null'], [say(4), exit_group.step('ending', [0])], [one]);
    expect(text).toBe('from 4 ');
  });
});

test('a process has default dispositions for all signals and none blocked when those are reset', () => {
  const status = execve.step('showing', ['/bin/cat', stringArray(['cat', '/proc/self/status']), stringArray([])]);
  const { one: text } = run(['null', one, 'null'], [...resetSignals(), status]);
  const field = (name: string) => new RegExp(`^${name}:\\s+(\\w+)$`, 'm').exec(text)?.[1];
  expect(['SigBlk', 'SigIgn', 'SigCgt'].map(field)).toEqual(Array(3).fill('0000000000000000'));
  // Which is not so by itself: Node ignores SIGPIPE.
  expect(Number.parseInt(/^SigIgn:\s+(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '', 16)).not.toBe(
    0,
  );
});

/** Launches a stub with two pipes, `one` and `other`, and tells what was written to them. */
function run(
  stdio: [Descriptor, Descriptor, Descriptor],
  stub: readonly Step[],
  extra: readonly Descriptor[] = [],
): { one: string; other: string; status: number } {
  const [first, second] = [openPipe(), openPipe()];
  const launch = launchSteps(NO_NAMESPACES, stdio, extra);
  const started = start({ launch, stub }, { one: first.writeEnd, other: second.writeEnd });
  close(first.writeEnd);
  close(second.writeEnd);
  const texts = [first, second].map(({ readEnd }) => {
    const text = readToEnd(readEnd).toString();
    close(readEnd);
    return text;
  });
  return { one: texts[0] ?? '', other: texts[1] ?? '', status: wait(started).status };
}
