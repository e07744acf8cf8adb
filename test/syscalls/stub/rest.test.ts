/** Stubs that are launched before all that they are to do is decided, for real: no namespaces, so that any user may. */
import { describe, expect, test } from 'vitest';
import {
  add,
  chdir,
  close,
  compile,
  dup3,
  equal,
  exit_group,
  failureIn,
  getpid,
  giveRest,
  launch,
  memory,
  type Step,
  takeRest,
  variable,
} from '../../../syscalls/index.ts';
import { expectNothingLeft, traces } from '../../support/leftovers.ts';
import { launchPart, openPipe, type Started, wait } from './launching.ts';

/** The stub's descriptor of the pipe. */
const PIPE = 4;
const pipeEnd = variable('pipe');
const end = (code: Parameters<typeof exit_group.step>[1][0]) => exit_group.step('ending', [code]);

/** A program that begins with some steps and waits before others. */
function programOf(beginning: readonly Step[], rest: readonly Step[]) {
  const ahead = [...beginning, ...takeRest(PIPE)];
  const launching = launchPart([dup3.step('setting the pipe', [pipeEnd, PIPE, 0])]);
  return { launch: launching, stub: [...ahead, ...rest], ahead: ahead.length };
}

interface Waiting {
  readonly started: Started;
  /** Our end of the pipe. */
  readonly writeEnd: number;
  readonly compiled: ReturnType<typeof compile>;
}

function begin(beginning: readonly Step[], rest: readonly Step[]): Waiting {
  const compiled = compile(programOf(beginning, rest));
  const { readEnd, writeEnd } = openPipe();
  const started = {
    ...launch(compiled, { pipe: readEnd }),
    failure: (report: Uint8Array) => failureIn(report, compiled),
  };
  close(readEnd);
  return { started, writeEnd, compiled };
}

function finish({ started, writeEnd, compiled }: Waiting) {
  giveRest(writeEnd, compiled);
  close(writeEnd);
  return wait(started);
}

describe('a stub that is launched ahead', () => {
  test('goes on with the rest once it is given', () => {
    expect(finish(begin([], [end(7)]))).toMatchObject({ status: 7, isKilled: false, failure: undefined });
  });

  test('has in the rest what its first steps came to', () => {
    const [self, one] = [variable('self'), variable('one more')];
    const waiting = begin([getpid.step('asking', [], { into: self })], [add(self, 1, one), end(one)]);
    expect(finish(waiting).status).toBe((waiting.started.pid + 1) & 0xff);
  });

  test('takes a rest that is longer than a pipe holds', () => {
    const counted = variable('counted');
    const steps = Array.from({ length: 3000 }, () => add(counted, 1, counted));
    expect(finish(begin([], [...steps, end(counted)])).status).toBe(3000 & 0xff);
  });

  test('takes a rest of many megabytes, such as files that were given as text', () => {
    const content = Buffer.alloc(20 * 1024 * 1024, 'x');
    const path = memory(Buffer.concat([Buffer.from('/'), Buffer.alloc(1), content]));
    const rest = [chdir.step('entering', [path as unknown as string]), end(7)];
    expect(finish(begin([], rest)).status).toBe(7);
  });

  test('ends without a rest when nobody can give it one any more', () => {
    const { started, writeEnd } = begin([], [end(7)]);
    close(writeEnd);
    expect(wait(started)).toMatchObject({ status: 1, isKilled: false, failure: undefined });
  });

  test.each([
    ['its beginning', 'first', 1],
    ['its rest', 'second', 1],
  ])('tells which step of %s failed', (_, which, offset) => {
    const chdirTo = (path: string) => chdir.step('entering', [path]);
    const first = chdirTo(which === 'first' ? '/proc/no-such-first' : '/');
    const program = programOf([first], [chdirTo('/'), chdirTo('/proc/no-such-second'), end(0)]);
    const { failure } = finish(begin([first], program.stub.slice(program.ahead)));
    const index = [...program.launch, ...program.stub].findIndex((step) => {
      return step.kind === 'call' && String(step.args[0]).startsWith('/proc/no-such');
    });
    expect(failure).toMatchObject({ code: 'ENOENT', syscall: 'chdir', path: `/proc/no-such-${which}`, step: index });
    expect(index).toBeGreaterThan(offset);
  });

  test('leaves nothing behind, fifty times', async () => {
    const before = traces();
    for (let count = 0; count < 50; count += 1) expect(finish(begin([], [end(count)])).status).toBe(count);
    await expectNothingLeft(before);
  });
});

describe('the rest of a program', () => {
  test('is not taken by a stub that has failed meanwhile: the report says why', () => {
    const waiting = begin([chdir.step('entering', ['/proc/no-such'])], [end(0)]);
    // It has ended when the report has.
    const { failure } = wait(waiting.started);
    expect(giveRest(waiting.writeEnd, waiting.compiled)).toBe(false);
    close(waiting.writeEnd);
    expect(failure).toMatchObject({ code: 'ENOENT' });
  });

  test('is there only of a program that is launched ahead', () => {
    const whole = compile({ launch: launchPart(), stub: [end(0)] });
    expect(() => giveRest(-1, whole)).toThrow(/launched as a whole/);
  });

  test('is there for its own label only, and for no name that all objects have', () => {
    const goTo = (next: string) => () => compile({ launch: launchPart(), stub: [equal(0, 0, { next }), end(0)] });
    expect(goTo('the rest of the plan')).toThrow(/no step has the label/);
    expect(goTo('constructor')).toThrow(/no step has the label 'constructor'/);
    const ahead = programOf([equal(0, 0, { next: 'constructor' })], [end(0)]);
    expect(() => compile(ahead)).toThrow(/no step has the label 'constructor'/);
  });

  test('cannot have a variable of the beginning in a struct of its own', () => {
    const self = variable('self');
    const struct = memory(new Uint8Array(8), [{ offset: 0, to: self }]);
    const rest = [chdir.step('entering', [struct as unknown as string]), end(0)];
    expect(() => compile(programOf([getpid.step('asking', [], { into: self })], rest))).toThrow(/two places/);
  });
});
