import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Plugin as EsbuildPlugin, type TransformOptions, transform } from 'esbuild';
import { defineConfig } from 'tsup';

const DIST = 'dist';

/**
 * The CommonJS build is the ESM build, file by file, in the other format. So both are split alike: each module is there
 * once, whichever entry it is reached from (`error instanceof SyscallError` holds), and what is imported dynamically
 * is read when it is needed. (tsup splits CommonJS too, but by a second compiler that turns every `?.` into a function.)
 */
async function convertToCommonJs(): Promise<void> {
  for (const name of await readdir(DIST)) {
    // A program is run, never required.
    if (!name.endsWith('.js') || name === 'cli.js') continue;
    const source = await readFile(join(DIST, name), 'utf8');
    const { code } = await transform(source.replaceAll(/(["'])(\.\/[\w-]+)\.js\1/g, '$1$2.cjs$1'), COMMONJS);
    await writeFile(join(DIST, name.replace(/\.js$/, '.cjs')), code);
  }
}

const COMMONJS = {
  format: 'cjs',
  platform: 'node',
  target: 'node20.18',
  // Names stay, for stack traces. Comments and white space are half of what Node would have to read at every import.
  minifySyntax: true,
  minifyWhitespace: true,
  define: { 'import.meta.url': '__filename' },
  // So that what is loaded late is CommonJS too.
  supported: { 'dynamic-import': false },
} satisfies TransformOptions;

/**
 * Whatever is loaded late finds the package's entry loaded. Told so, the bundler puts all that the entry needs into one
 * file, and not into one for every set of late modules that share it: each file takes Node most of a millisecond.
 */
const oneFileForTheEntry: EsbuildPlugin = {
  name: 'one file for the entry',
  setup(build) {
    const late = lateModules();
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (!late.has(path)) return undefined;
      const source = await readFile(path, 'utf8');
      return { contents: `${source}\nexport * as packageEntry from ${JSON.stringify(ENTRY)};`, loader: 'ts' };
    });
  },
};

/** The modules of ours that are imported dynamically. */
function lateModules(): Set<string> {
  const late = new Set<string>();
  for (const folder of ['sdk', 'store']) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const path = resolve(folder, name);
      for (const [, imported = ''] of readFileSync(path, 'utf8').matchAll(/\bimport\('(\.[^']+)'\)/g)) {
        late.add(resolve(dirname(path), imported));
      }
    }
  }
  return late;
}

const ENTRY = resolve('sdk/index.ts');

const entry = { index: 'sdk/index.ts', syscalls: 'syscalls/index.ts' };
const programs = { cli: 'sdk/cli.ts' };

export default defineConfig([
  {
    entry: { ...entry, ...programs },
    format: 'esm',
    target: 'node20.18',
    platform: 'node',
    splitting: true,
    // 5 KiB, which take Node longer to find than to read.
    noExternal: ['eventemitter3'],
    // Keeps 'node:fs' as written.
    removeNodeProtocol: false,
    esbuildPlugins: [oneFileForTheEntry],
    esbuildOptions(options) {
      options.minifySyntax = COMMONJS.minifySyntax;
      options.minifyWhitespace = COMMONJS.minifyWhitespace;
    },
    onSuccess: convertToCommonJs,
  },
  { entry, format: ['esm', 'cjs'], dts: { only: true } },
]);
