import { createContext, runInContext } from 'node:vm';
import { expect, test } from 'vitest';
import { acrossCopies, CaissonError, hasCode, isError, SyscallError, shared } from '../../syscalls/index.ts';

test('what is shared is made by the first who asks, and is the same for all', () => {
  const first = shared('test', () => new Map([['made by', 'first']]));
  const second = shared('test', () => new Map([['made by', 'second']]));
  expect(second).toBe(first);
  expect(second.get('made by')).toBe('first');
  expect(shared('another test', () => new Map())).not.toBe(first);
});

test('classes of one name are one to instanceof, and their subclasses are not', () => {
  const copy = () => {
    class Box {
      static {
        acrossCopies(Box, 'test.Box');
      }

      readonly content = 'none';
    }
    return Box;
  };
  const [One, Other] = [copy(), copy()];
  class Special extends One {}
  expect([new One() instanceof Other, new Special() instanceof Other, new Special() instanceof Special]).toEqual([
    true,
    true,
    true,
  ]);
  expect([new Other() instanceof Special, new One() instanceof Special]).toEqual([false, false]);
  expect([{}, null, undefined, 'text'].map((value) => (value as unknown) instanceof One)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('the two errors of caisson are told apart, and are errors', () => {
  const [ours, kernel] = [new CaissonError('CODE', 'text'), new SyscallError({ errno: 1, syscall: 'mount' })];
  expect([ours instanceof CaissonError, ours instanceof SyscallError, ours instanceof Error]).toEqual([
    true,
    false,
    true,
  ]);
  expect([kernel instanceof SyscallError, kernel instanceof CaissonError]).toEqual([true, false]);
});

test('an error of other globals is an error, and is known by its code', () => {
  const foreign = runInContext("Object.assign(new Error('no such file'), { code: 'ENOENT' })", createContext());
  expect(foreign instanceof Error).toBe(false);
  expect([isError(foreign), hasCode(foreign, 'EACCES', 'ENOENT'), hasCode(foreign, 'EACCES')]).toEqual([
    true,
    true,
    false,
  ]);
  expect([{ code: 'ENOENT' }, null, 'ENOENT'].map((value) => hasCode(value, 'ENOENT'))).toEqual([false, false, false]);
});

test('an error that is due to the machine points to the probe, and its hint stays what is to be done', () => {
  const error = new CaissonError('MEMFD_NOEXEC', 'not allowed', { hint: 'set it' });
  expect([error.message, error.hint]).toEqual(["not allowed (set it; 'npx caisson probe' tells more)", 'set it']);
  expect(new CaissonError('IMAGE_NOT_FOUND', 'none', { hint: 'pull it' }).message).toBe('none (pull it)');
});
