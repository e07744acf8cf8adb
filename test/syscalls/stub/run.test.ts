/** Stubs on their own: the ELF file is executed, on this machine and (in an emulator) on the other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import {
  AF_UNIX,
  type Architecture,
  type Argument,
  AT_FDCWD,
  add,
  addressOf,
  and,
  chdir,
  equal,
  exit_group,
  getpid,
  IOVEC,
  jump,
  label,
  MAP_PRIVATE,
  MSGHDR,
  mkdirat,
  mmap,
  O_RDONLY,
  openat,
  PROT_READ,
  pipe2,
  read,
  SOCK_STREAM,
  type Step,
  sendmsg,
  shift,
  socketpair,
  variable,
  write,
} from '../../../syscalls/index.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { runSteps } from './programs.ts';

const end = (code: Argument) => exit_group.step('ending', [code]);
const print = (text: string, options?: { label?: string; next?: string }) => {
  return write.step(`writing ${text}`, [1, text, text.length], options);
};

describe.each<Architecture>(['x64', 'arm64'])('on %s', (arch) => {
  const run = (context: TestContext, steps: readonly Step[]) => runSteps(context, arch, steps);
  const succeeded = { signal: null, failure: undefined };

  test('a stub writes to its standard output and exits', async (context) => {
    const ended = await run(context, [print('hello\n'), end(7)]);
    expect(ended).toEqual({ ...succeeded, exitCode: 7, stdout: 'hello\n' });
  });

  test('a stub ends with a code that it computed', async (context) => {
    const [sum, bits, code] = [variable('sum'), variable('bits'), variable('code')];
    const steps = [add(0x1200, 0x34f, sum), and(sum, 0xff0, bits), shift(bits, 4, code), end(code)];
    expect(await run(context, steps)).toEqual({ ...succeeded, exitCode: 0x54, stdout: '' });
  });

  test('add wraps at 64 bits, shift fills with zeros, and keeps 64 bits', async (context) => {
    const [wrapped, top, ones] = [variable('wrapped'), variable('top'), variable('ones')];
    const steps = [
      add(0xffff_ffff_ffff_fffen, 5, wrapped),
      shift(0x8000_0000_0000_0000n, 62, top),
      shift(-1, 60, ones),
      ...branchUnless(wrapped, 3, 'add'),
      ...branchUnless(top, 2, 'shift'),
      ...branchUnless(ones, 15, 'shift of -1'),
      end(0),
    ];
    expect(await run(context, steps)).toEqual({ ...succeeded, exitCode: 0, stdout: '' });
  });

  test('equal compares 64 bits, variables and numbers alike', async (context) => {
    const large = variable('large');
    const steps = [
      add(0x1_0000_0000, 1, large),
      equal(large, 1, { next: 'wrong' }),
      equal(large, 0x1_0000_0001n, { otherwise: 'wrong' }),
      equal(large, large, { otherwise: 'wrong' }),
      equal(-1, 0xffff_ffff_ffff_ffffn, { otherwise: 'wrong' }),
      end(0),
      label('wrong'),
      end(1),
    ];
    expect(await run(context, steps)).toEqual({ ...succeeded, exitCode: 0, stdout: '' });
  });

  test('a stub loops until a variable has counted to five', async (context) => {
    const count = variable('count');
    const steps = [
      label('again'),
      print('.'),
      add(count, 1, count),
      equal(count, 5, { otherwise: 'again' }),
      print('\n'),
      end(count),
    ];
    expect(await run(context, steps)).toEqual({ ...succeeded, exitCode: 5, stdout: '.....\n' });
  });

  test.for([
    ['/proc/self/no-such-file', 'missing'],
    ['/dev/null/below', 'no directory'],
    ['/dev/null', 'opened'],
  ] as const)('a stub that opens %s goes where its error leads: %s', async ([path, expected], context) => {
    const onError = { EPERM: 'end', ENOENT: 'no', ENOTDIR: 'not' };
    const steps = [
      openat.step('opening', [AT_FDCWD, path, O_RDONLY, 0], { onError }),
      print('opened', { next: 'end' }),
      print('missing', { label: 'no', next: 'end' }),
      print('no directory', { label: 'not' }),
      label('end'),
      end(0),
    ];
    expect(await run(context, steps)).toEqual({ ...succeeded, exitCode: 0, stdout: expected });
  });

  test('a failure with a branch by name to "next" is passed over', async (context) => {
    const failing = chdir.step('entering', ['/proc/self/no-such-directory'], { onError: { ENOENT: 'next' } });
    expect(await run(context, [failing, print('on'), end(0)])).toEqual({ ...succeeded, exitCode: 0, stdout: 'on' });
  });

  test('a failure that nobody expects is reported as the record and its error, and ends with 127', async (context) => {
    const steps = [
      print('before'),
      mkdirat.step('making', [AT_FDCWD, '/proc/self/nothing/x', 0o755]),
      print('after'),
      end(0),
    ];
    const failure = { step: 1, errno: -2 };
    expect(await run(context, steps)).toEqual({ exitCode: 127, signal: null, stdout: 'before', failure });
  });

  test('an error that is not among the expected ones is reported as its own step', async (context) => {
    const steps = [
      label('start'),
      chdir.step('entering', ['/dev/null'], { onError: { ENOENT: 'start', EACCES: 'next' } }),
      end(0),
    ];
    expect(await run(context, steps)).toMatchObject({ exitCode: 127, failure: { step: 1, errno: -20 } });
  });

  test('the failure that is reported is the last one, not one that was passed over', async (context) => {
    const steps = [
      chdir.step('entering', ['/dev/null'], { onError: 'next' }),
      chdir.step('entering', ['/proc/self/no-such-directory'], { label: 'failing' }),
    ];
    expect(await run(context, steps)).toMatchObject({ exitCode: 127, failure: { step: 1, errno: -2 } });
  });

  test('the result of a call is an argument of the next, a negative error number too', async (context) => {
    const file = join(temporaryDirectory(context), 'file');
    writeFileSync(file, 'the content');
    const [fd, count, error] = [variable('fd'), variable('count'), variable('error')];
    const buffer = new Uint8Array(64);
    const steps = [
      openat.step('opening', [AT_FDCWD, file, O_RDONLY, 0], { into: fd }),
      read.step('reading', [fd, buffer, 64], { into: count }),
      write.step('writing', [1, buffer, count]),
      chdir.step('entering', ['/proc/self/no-such-directory'], { into: error, onError: 'next' }),
      add(error, 44, error),
      end(error),
    ];
    expect(await run(context, steps)).toEqual({ ...succeeded, exitCode: 42, stdout: 'the content' });
  });

  test('each of six arguments may be a variable', async (context) => {
    const file = join(temporaryDirectory(context), 'file');
    writeFileSync(file, Buffer.concat([Buffer.alloc(0x1_0000), Buffer.from('tail')]));
    const given = (name: string) => variable(name);
    const mapped = variable('mapped');
    const steps = [
      openat.step('opening', [AT_FDCWD, file, O_RDONLY, 0], { into: given('fd') }),
      add(0, 0, given('address')),
      add(4, 0, given('length')),
      add(PROT_READ, 0, given('protection')),
      add(MAP_PRIVATE, 0, given('flags')),
      add(0x1_0000, 0, given('offset')),
      mmap.step(
        'mapping',
        [given('address'), given('length'), given('protection'), given('flags'), given('fd'), given('offset')],
        { into: mapped },
      ),
      write.step('writing', [1, mapped, 4]),
      end(0),
    ];
    expect(await run(context, steps)).toEqual({ ...succeeded, exitCode: 0, stdout: 'tail' });
  });

  test('a call writes into a variable by its address, and its halves are taken apart', async (context) => {
    const [ends, readEnd] = [variable('ends'), variable('read end')];
    const [writeEnd, count] = [variable('write end'), variable('count')];
    const buffer = new Uint8Array(16);
    const steps = [
      pipe2.step('making a pipe', [addressOf(ends), 0]),
      and(ends, 0xffff_ffff, readEnd),
      shift(ends, 32, writeEnd),
      write.step('filling it', [writeEnd, 'through a pipe', 14]),
      read.step('emptying it', [readEnd, buffer, 16], { into: count }),
      write.step('writing', [1, buffer, count]),
      end(0),
    ];
    expect(await run(context, steps)).toEqual({ ...succeeded, exitCode: 0, stdout: 'through a pipe' });
  });

  test('structs that point to structs that point to bytes reach the kernel', async (context) => {
    const [ends, one, other, count] = [variable('ends'), variable('one'), variable('other'), variable('count')];
    const parts = IOVEC.array([
      { iov_base: 'two ', iov_len: 4 },
      { iov_base: Buffer.from('parts'), iov_len: 5 },
    ]);
    const buffer = new Uint8Array(16);
    const steps = [
      socketpair.step('making sockets', [AF_UNIX, SOCK_STREAM, 0, addressOf(ends)]),
      and(ends, 0xffff_ffff, one),
      shift(ends, 32, other),
      sendmsg.step('sending', [one, MSGHDR.encode({ msg_iov: parts, msg_iovlen: 2 }), 0]),
      read.step('receiving', [other, buffer, 16], { into: count }),
      write.step('writing', [1, buffer, count]),
      end(0),
    ];
    expect(await run(context, steps)).toEqual({ ...succeeded, exitCode: 0, stdout: 'two parts' });
  });

  test('a thousand steps are walked to the last', async (context) => {
    const count = variable('count');
    const steps = Array.from({ length: 1000 }, () => add(count, 1, count));
    const asked = Array.from({ length: 20 }, () => getpid.step('asking', [], { onError: { EPERM: 'wrong' } }));
    const code = variable('code');
    const rest = [label('wrong'), shift(count, 3, code), end(code)];
    expect(await run(context, [...steps, ...asked, jump('wrong'), ...rest])).toMatchObject({ exitCode: 125 });
  });
});

/** Ends with a message and code 1 unless a variable has a value. */
function branchUnless(actual: Argument, expected: number, what: string): Step[] {
  const wrong = `wrong ${what}`;
  const right = `right ${what}`;
  return [equal(actual, expected, { next: right, otherwise: wrong }), label(wrong), print(what), end(1), label(right)];
}
