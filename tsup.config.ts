import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { init, parse } from 'es-module-lexer';
import { type Plugin as EsbuildPlugin, transform } from 'esbuild';
import { minify } from 'terser';
import { defineConfig } from 'tsup';

const DIST = 'dist';

const PROGRAM = 'cli.js';

/** Node prints the line that threw. */
const LINE_LENGTH = 120;

/**
 * Writes every module once more, as CommonJS, and both as Node loads them quickest. So both are split alike: each module
 * is there once, whichever entry it is reached from (`error instanceof SyscallError` holds), and what is imported
 * dynamically is read when it is needed.
 *
 * Compilers make bindings live, by a getter for each of the hundreds of names between two files and of `node:fs`. None of
 * ours changes once its file has run, so plain constants do: `require` takes 10 ms instead of 15, `import` 13 instead of 16.
 */
async function convertModules(): Promise<void> {
  await init;
  for (const name of (await readdir(DIST)).filter((each) => each.endsWith('.js'))) {
    const built = await readFile(join(DIST, name), 'utf8');
    // A program is run, never imported.
    const source = name === PROGRAM ? built : restoreClassNames(await shortenLocals(built));
    await writeFile(join(DIST, name), rewriteImports(source, { load: loadBuiltin, loadLater: () => undefined }));
    if (name !== PROGRAM) await writeFile(join(DIST, name.replace(/\.js$/, '.cjs')), toCommonJs(source));
  }
}

/** esbuild calls a class that speaks of itself `_Name` or `Name2`, and so would stack traces and `error.name`. */
function restoreClassNames(source: string): string {
  const classes = [...source.matchAll(/\b([\w$]+)=\s*class\s+(_\1|\1\d+)\b/g)];
  return classes.reduce(
    (text, [, name = '', inside]) => text.replaceAll(new RegExp(`(?<![\\w$])${inside}\\b`, 'g'), name),
    source,
  );
}

/**
 * Shortens the names that only one function sees: a sixth less to parse, which an import waits for (a millisecond). Those
 * of functions and classes are as they were: stack traces and `error.name` tell them.
 */
async function shortenLocals(source: string): Promise<string> {
  const names = { keep_fnames: true, keep_classnames: true };
  const { code = '' } = await minify(source, { ...names, compress: false, mangle: { ...names, toplevel: false } });
  return (await transform(code, { minifyWhitespace: true, lineLimit: LINE_LENGTH })).code;
}

/** What is written instead of an import of `specifier`; undefined leaves it as it is. */
interface Loading {
  load(specifier: string): string | undefined;
  /** Instead of `import('…')`. */
  loadLater(specifier: string): string | undefined;
}

/** Node's loader makes a module of its own of each built-in one that is imported, with a copy of all its names. */
const loadBuiltin = (specifier: string) =>
  specifier.startsWith('node:') ? `process.getBuiltinModule("${specifier}")` : undefined;

const requireFrom = (specifier: string) => `require("${specifier.replace(/^(\.\/.*)\.js$/, '$1.cjs')}")`;

function toCommonJs(source: string): string {
  const [, exports] = parse(source);
  // esbuild writes one export statement, at the end.
  const end = source.lastIndexOf('export{');
  const names = exports.map(({ n, ln = n }) => (n === ln ? n : `${n}:${ln}`));
  const body = rewriteImports(end === -1 ? source : source.slice(0, end), {
    load: requireFrom,
    loadLater: (specifier) => `Promise.resolve().then(()=>${requireFrom(specifier)})`,
  });
  return `"use strict";${body.replaceAll('import.meta.url', '__filename')}\nmodule.exports={${names.join(',\n')}};\n`;
}

function rewriteImports(source: string, { load, loadLater }: Loading): string {
  let rewritten = '';
  let done = 0;
  for (const { n: specifier, ss: start, se: end, d: dynamicAt } of parse(source)[0]) {
    if (specifier === undefined) continue;
    const isStatic = dynamicAt === -1;
    const loaded = isStatic ? load(specifier) : loadLater(specifier);
    if (loaded === undefined) continue;
    rewritten += source.slice(done, start) + (isStatic ? bindTo(loaded, source.slice(start, end)) : loaded);
    done = end;
  }
  return rewritten + source.slice(done);
}

/** `import a,{b as c}from"x"` as constants: `const a=x,{b:c}=x`. */
function bindTo(loaded: string, statement: string): string {
  const [, whole, names] = /^import\s*([\w$]+)?,?\s*(?:\{(.*)\})?\s*(?:from)?\s*"[^"]*"$/s.exec(statement) ?? [];
  const bindings = [whole, names && `{${names.replaceAll(/\s+as\s+/g, ':')}}`].filter((each) => each !== undefined);
  if (bindings.length === 0 && !/^import"/.test(statement)) throw new Error(`cannot rewrite ${statement}`);
  return bindings.length === 0 ? loaded : `const ${bindings.map((binding) => `${binding}=${loaded}`)}`;
}

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
      for (const [, imported = ''] of readFileSync(path, 'utf8').matchAll(/\bimport\(\s*'(\.[^']+)'\s*\)/g)) {
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
      // Comments and white space are half of what Node would have to read at every import.
      options.minifySyntax = true;
      options.minifyWhitespace = true;
      options.lineLimit = LINE_LENGTH;
    },
    onSuccess: convertModules,
  },
  { entry, format: ['esm', 'cjs'], dts: { only: true } },
]);
