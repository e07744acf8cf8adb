import { expect, test } from 'vitest';
import type { Elf } from '../../../sdk/elf/index.ts';
import { candidatePaths, type LoadedObject, type LoaderSettings } from '../../../sdk/elf/search.ts';

const GLIBC: LoaderSettings = {
  libc: 'glibc',
  cache: new Map([['l', ['/cache/l', '/lib64/l']]]),
  libraryPath: ['/env'],
};
const MUSL: LoaderSettings = { libc: 'musl', systemPath: ['/lib', '/usr/lib'], libraryPath: ['/env'] };
const CACHED = ['/cache/l', '/lib64/l'];
const DEFAULTS = [
  '/lib/x86_64-linux-gnu/l',
  '/usr/lib/x86_64-linux-gnu/l',
  '/lib64/l',
  '/usr/lib64/l',
  '/lib/l',
  '/usr/lib/l',
];

function object(elf: Partial<Elf>, loader?: LoadedObject): LoadedObject {
  const none = { interpreter: undefined, soname: undefined, rpath: undefined, runpath: undefined };
  return {
    elf: { class: 64, littleEndian: true, machine: 62, needed: ['l'], noDefaultLibraries: false, ...none, ...elf },
    path: '/o/x',
    origin: '/o',
    ...(loader === undefined ? {} : { loader }),
  };
}

test.each<[claim: string, object: LoadedObject, first: readonly string[]]>([
  ['DT_RPATH comes before LD_LIBRARY_PATH', object({ rpath: '/r' }), ['/r/l', '/env/l']],
  ['DT_RUNPATH comes after it', object({ runpath: '/r' }), ['/env/l', '/r/l']],
  ['DT_RPATH is ignored where there is DT_RUNPATH', object({ rpath: '/r', runpath: '/n' }), ['/env/l', '/n/l']],
  [
    'DT_RPATH holds for what a library needs',
    object({ rpath: '/b' }, object({ rpath: '/a' })),
    ['/b/l', '/a/l', '/env/l'],
  ],
  ['DT_RUNPATH does not', object({}, object({ runpath: '/a' })), ['/env/l']],
  ['DT_RPATH above DT_RUNPATH is ignored', object({}, object({ rpath: '/a', runpath: '/n' })), ['/env/l']],
  [
    'a library with DT_RUNPATH has no DT_RPATH of others',
    object({ runpath: '/n' }, object({ rpath: '/a' })),
    ['/env/l', '/n/l'],
  ],
  ['$ORIGIN is a directory', object({ rpath: `$ORIGIN/../a:\${ORIGIN}b` }), ['/o/../a/l', '/ob/l', '/env/l']],
  ['$PLATFORM is a machine', object({ rpath: '/$PLATFORM' }), ['/x86_64/l', '/env/l']],
  [
    '$LIB is tried in its usual meanings',
    object({ rpath: `/\${LIB}` }),
    ['/lib/x86_64-linux-gnu/l', '/lib64/l', '/lib/l', '/env/l'],
  ],
  ['an empty entry is the working directory', object({ rpath: '/a::/b' }), ['/a/l', './l', '/b/l', '/env/l']],
  ['an empty DT_RPATH is none', object({ rpath: '' }), ['/env/l']],
])('glibc: %s', (_, needing, first) => {
  expect(candidatePaths('l', needing, GLIBC)).toEqual([...first, ...CACHED, ...DEFAULTS]);
});

test('glibc: with -z nodefaultlib the default directories are not searched, nor what the cache says of them', () => {
  expect(candidatePaths('l', object({ noDefaultLibraries: true }), GLIBC)).toEqual(['/env/l', '/cache/l']);
});

test('glibc: the directory of the interpreter is a default one', () => {
  const settings = { ...GLIBC, interpreterDirectory: '/nix/store/glibc/lib' };
  expect(candidatePaths('l', object({}), settings).at(-1)).toBe('/nix/store/glibc/lib/l');
});

test.each<[claim: string, object: LoadedObject, paths: readonly string[]]>([
  ['the system path comes last', object({}), []],
  ['DT_RPATH comes after LD_LIBRARY_PATH', object({ rpath: '/r' }), ['/r/l']],
  ['DT_RUNPATH holds for what a library needs', object({ runpath: '/b' }, object({ runpath: '/a' })), ['/b/l', '/a/l']],
  ['DT_RUNPATH wins over DT_RPATH', object({ rpath: '/r', runpath: '/n' }), ['/n/l']],
  ['$ORIGIN is a directory', object({ rpath: '$ORIGIN' }), ['/o/l']],
])('musl: %s', (_, needing, paths) => {
  expect(candidatePaths('l', needing, MUSL)).toEqual(['/env/l', ...paths, '/lib/l', '/usr/lib/l']);
});

test.each([GLIBC, MUSL])('a name with a slash is a path ($libc)', (settings) => {
  expect(candidatePaths('$ORIGIN/a/l', object({ rpath: '/r' }), settings)).toEqual(['/o/a/l']);
});
