import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { type SharedLibrary, sharedLibraries } from '../../../sdk/elf/index.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { buildElf, type ElfParts } from './build-elf.ts';

const [NEEDED, SONAME, RPATH, RUNPATH] = [1, 14, 15, 29];

test.for(['ls', 'bash', 'git', 'perl', 'gcc', 'node'])(
  'the libraries of %s are those ldd prints',
  async (program, context) => {
    const path = program === 'node' ? process.execPath : findProgram(program);
    requires(context, path, program);
    expect(await sharedLibraries(path)).toEqual(ldd(context, path));
  },
);

test('DT_RPATH of a program holds for what its libraries need, as for ldd', async (context) => {
  const { directory, program } = linkProgram(context, '--disable-new-dtags');
  const libraries = await sharedLibraries(program);
  expect(libraries).toEqual(ldd(context, program));
  expect(libraries).toContainEqual({ name: 'libinner.so', path: `${directory}/lib/libinner.so` });
});

test('DT_RUNPATH of a program does not, as for ldd', async (context) => {
  const { directory, program } = linkProgram(context, '--enable-new-dtags');
  expect(ldd(context, program).map(({ name }) => name)).not.toContain('libinner.so');
  const missing = `library 'libinner.so', needed by '${directory}/lib/libouter.so', is in none of `;
  await expect(sharedLibraries(program)).rejects.toThrow(missing);
  const libraries = await sharedLibraries(program, { libraryPath: [`${directory}/lib`] });
  expect(libraries).toContainEqual({ name: 'libinner.so', path: `${directory}/lib/libinner.so` });
});

test('a static program needs nothing', async (context) => {
  const files = place(context, { static: {} });
  expect(await sharedLibraries(files.static)).toEqual([]);
});

test('libraries come in the order of loading, all of the program before theirs, each once', async (context) => {
  const files = place(context, {
    program: {
      dynamic: [
        [NEEDED, 'b'],
        [NEEDED, 'a'],
        [RPATH, '$ORIGIN'],
      ],
    },
    a: {
      dynamic: [
        [NEEDED, 'd'],
        [NEEDED, 'b'],
      ],
    },
    b: {
      dynamic: [
        [NEEDED, 'c'],
        [NEEDED, 'a'],
      ],
    },
    c: { dynamic: [[NEEDED, 'b']] },
    d: {},
  });
  expect((await sharedLibraries(files.program)).map(({ name }) => name)).toEqual(['b', 'a', 'c', 'd']);
});

test('the interpreter is among them, under its path, when a library needs it by its soname', async (context) => {
  const directory = temporaryDirectory(context);
  const interpreter = `${directory}/ld.so`;
  write(directory, 'ld.so', { dynamic: [[SONAME, 'ld-linux.so.2']] });
  write(directory, 'a', {
    dynamic: [
      [NEEDED, 'ld-linux.so.2'],
      [NEEDED, 'z'],
      [RUNPATH, directory],
    ],
  });
  write(directory, 'z', {});
  const program = write(directory, 'program', {
    interpreter,
    dynamic: [
      [NEEDED, 'a'],
      [RUNPATH, directory],
    ],
  });
  expect(await sharedLibraries(program)).toEqual([
    { name: 'a', path: `${directory}/a` },
    { name: interpreter, path: interpreter },
    { name: 'z', path: `${directory}/z` },
  ]);
});

test('musl: its loader is the libc, and its path file says where libraries are', async (context) => {
  const directory = temporaryDirectory(context);
  for (const name of ['lib', 'etc', 'own']) mkdirSync(join(directory, name));
  const interpreter = write(directory, 'lib/ld-musl-x86_64.so.1', { dynamic: [[SONAME, 'libc.so']] });
  writeFileSync(join(directory, 'etc/ld-musl-x86_64.path'), `/nowhere:${directory}/own\n`);
  write(directory, 'own/libz.so.1', { dynamic: [[NEEDED, 'libc.musl-x86_64.so.1']] });
  const program = write(directory, 'program', {
    interpreter,
    dynamic: [
      [NEEDED, 'libz.so.1'],
      [NEEDED, 'libm.so'],
    ],
  });
  expect(await sharedLibraries(program)).toEqual([
    { name: 'libz.so.1', path: `${directory}/own/libz.so.1` },
    { name: interpreter, path: interpreter },
  ]);
});

test('a file for another machine, or of 32 bits, is passed over', async (context) => {
  const directory = temporaryDirectory(context);
  for (const name of ['arm', 'small', 'right']) mkdirSync(join(directory, name));
  write(directory, 'arm/a', { machine: 183 });
  const small = buildElf();
  small[4] = 1;
  writeFileSync(join(directory, 'small/a'), small);
  write(directory, 'right/a', {});
  const runpath = '$ORIGIN/arm:$ORIGIN/none:$ORIGIN/small:$ORIGIN/program:$ORIGIN/right';
  const program = write(directory, 'program', {
    dynamic: [
      [NEEDED, 'a'],
      [RUNPATH, runpath],
    ],
  });
  expect(await sharedLibraries(program)).toEqual([{ name: 'a', path: `${directory}/right/a` }]);
});

test('one file under two names is one library', async (context) => {
  const files = place(context, {
    program: {
      dynamic: [
        [NEEDED, 'a'],
        [NEEDED, 'b'],
        [NEEDED, 'c'],
        [RPATH, '$ORIGIN'],
      ],
    },
    a: {},
  });
  symlinkSync('a', files.program.replace(/program$/, 'b'));
  linkSync(files.a, files.program.replace(/program$/, 'c'));
  expect(await sharedLibraries(files.program)).toEqual([{ name: 'a', path: files.a }]);
});

test('$ORIGIN of a program is where its file is, whichever link leads to it', async (context) => {
  const files = place(context, {
    program: {
      dynamic: [
        [NEEDED, 'a'],
        [RPATH, '$ORIGIN'],
      ],
    },
    a: {},
  });
  const link = join(temporaryDirectory(context), 'link');
  symlinkSync(files.program, link);
  expect(await sharedLibraries(link)).toEqual([{ name: 'a', path: files.a }]);
});

test('a missing library is an error with all that is known', async (context) => {
  const files = place(context, {
    program: {
      dynamic: [
        [NEEDED, 'libno.so.7'],
        [RUNPATH, '/a:/b'],
      ],
    },
  });
  await expect(sharedLibraries(files.program)).rejects.toMatchObject({
    code: 'LIBRARY_NOT_FOUND',
    message:
      `library 'libno.so.7', needed by '${files.program}', is in none of /a, /b, /lib/x86_64-linux-gnu, ` +
      '/usr/lib/x86_64-linux-gnu, /lib64, /usr/lib64, /lib, /usr/lib ' +
      '(install the package that has it, or name its directory in libraryPath)',
  });
});

test('a missing interpreter is an error', async (context) => {
  const files = place(context, { program: { interpreter: '/lib/ld-nowhere.so.1' } });
  await expect(sharedLibraries(files.program)).rejects.toMatchObject({
    code: 'LIBRARY_NOT_FOUND',
    message: expect.stringContaining(`the interpreter '/lib/ld-nowhere.so.1' of '${files.program}' is not there`),
  });
});

test('what is no file is refused without being opened', async (context) => {
  const directory = temporaryDirectory(context);
  const fifo = join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  for (const path of [fifo, directory, '/dev/null']) {
    await expect(sharedLibraries(path)).rejects.toMatchObject({ code: 'NOT_AN_ELF' });
  }
  await expect(sharedLibraries(join(directory, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});

/** Files of one directory, by name. */
function place<Name extends string>(context: TestContext, parts: Record<Name, ElfParts>): Record<Name, string> {
  const directory = temporaryDirectory(context);
  const written = Object.entries<ElfParts>(parts).map(([name, elf]) => [name, write(directory, name, elf)]);
  return Object.fromEntries(written) as Record<Name, string>;
}

function write(directory: string, name: string, parts: ElfParts): string {
  const path = join(directory, name);
  writeFileSync(path, buildElf(parts));
  return path;
}

/** What ldd(1) prints, without the vDSO and the addresses. */
function ldd(context: TestContext, path: string): SharedLibrary[] {
  requires(context, findProgram('ldd'), 'ldd');
  const env = { PATH: process.env.PATH }; // no LD_LIBRARY_PATH, no LD_PRELOAD
  const { stdout } = spawnSync('ldd', [path], { encoding: 'utf8', env });
  return stdout.split('\n').flatMap((line) => {
    const [, name, found] = /^\s*(\S+)(?: => (\S+))? \(0x/.exec(line) ?? [];
    return name === undefined || name.startsWith('linux-vdso') ? [] : [{ name, path: found ?? name }];
  });
}

function findProgram(name: string): string | undefined {
  const directories = ['/bin', '/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];
  const path = directories.map((directory) => join(directory, name)).find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : realpathSync(path);
}

/** program ─▶ lib/libouter.so ─▶ lib/libinner.so; only the program says where they are. */
function linkProgram(context: TestContext, flag: string): { directory: string; program: string } {
  requires(context, findProgram('gcc'), 'gcc');
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, 'lib'));
  const compile = (code: string, ...args: string[]) =>
    execFileSync('gcc', ['-xc', '-', '-xnone', ...args], { cwd: directory, input: code });
  compile('int inner(void) { return 0; }', '-shared', '-fPIC', '-o', 'lib/libinner.so');
  const outer = 'int inner(void); int outer(void) { return inner(); }';
  compile(outer, '-shared', '-fPIC', '-o', 'lib/libouter.so', '-Llib', '-linner');
  const main = 'int outer(void); int main(void) { return outer(); }';
  const link = ['-Llib', '-louter', `-Wl,-rpath-link,lib,${flag},-rpath,$ORIGIN/lib`];
  compile(main, '-o', 'program', ...link);
  return { directory, program: join(directory, 'program') };
}
