import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { init, parse } from 'es-module-lexer';
import type { Plugin as EsbuildPlugin } from 'esbuild';
import { defineConfig } from 'tsup';

const DIST = 'dist';

/** What is imported by name; all else is loaded by these. */
const ENTRIES = { index: 'sdk/index.ts', syscalls: 'syscalls/index.ts' };
const PROGRAMS = { cli: 'sdk/cli.ts' };
/** What is loaded when one of its functions is called first, in the middle of a call that cannot wait. */
const CALLED_LATE = { 'describe-plan': 'sdk/describe-plan.ts' };

/** Node prints the line that threw. */
const LINE_LENGTH = 120;

/**
 * Writes every module as CommonJS, as Node loads it quickest, and for `import` one that takes its names from there. So
 * there is each module once, whoever loads it and how, and a function can load what it needs while it is called.
 *
 * Compilers make bindings live, by a getter for each of the hundreds of names between two files. None of ours changes once
 * its file has run, so plain constants do.
 */
async function convertModules(): Promise<void> {
  await init;
  for (const file of (await readdir(DIST)).filter((each) => each.endsWith('.js'))) {
    const [path, name] = [join(DIST, file), file.replace(/\.js$/, '')];
    const built = await readFile(path, 'utf8');
    if (name in PROGRAMS) {
      await writeFile(path, rewriteImports(built, PROGRAM_LOADING));
      continue;
    }
    await rm(path);
    const source = restoreClassNames(built);
    await writeFile(join(DIST, `${name}.cjs`), toCommonJs(source));
    if (name in ENTRIES) await writeFile(path, importing(`./${name}.cjs`, exportsOf(source)));
  }
}

/** A module with the names of a CommonJS one. It says where it is, for what a bundler puts it into ({@link OWN_FILE}). */
const importing = (specifier: string, names: readonly string[]) =>
  `import module from"${specifier}";\n${BUNDLE}=import.meta.url;\nexport const{${names.join(',\n')}}=module;\n`;

/** esbuild calls a class that speaks of itself `_Name` or `Name2`, and so would stack traces and `error.name`. */
function restoreClassNames(source: string): string {
  const classes = [...source.matchAll(/\b([\w$]+)=\s*class\s+(_\1|\1\d+)\b/g)];
  return classes.reduce(
    (text, [, name = '', inside]) => text.replaceAll(new RegExp(`(?<![\\w$])${inside}\\b`, 'g'), name),
    source,
  );
}

/** What is written instead of an import of `specifier`; undefined leaves it as it is. */
interface Loading {
  load(specifier: string): string | undefined;
  /** Instead of `import('…')`. */
  loadLater(specifier: string): string | undefined;
}

const toCjs = (specifier: string) => specifier.replace(/^(\.\/.*)\.js$/, '$1.cjs');

/** Bundlers that make an ES module of it all have no `require` for what they leave out. */
const requireFrom = (specifier: string) =>
  specifier.startsWith('node:') ? `process.getBuiltinModule("${specifier}")` : `require("${toCjs(specifier)}")`;

/** Jest has no `import()` in CommonJS, and an ES module, into which a bundler has put it, no `require` of packages. */
const requireLater = (specifier: string) => {
  const required = `Promise.resolve().then(()=>${requireFrom(specifier)})`;
  return specifier.startsWith('.') ? required : `(${IS_ES_MODULE}?import("${specifier}"):${required})`;
};

const IS_ES_MODULE = 'typeof __filename=="undefined"';
const BUNDLE = 'process[Symbol.for("caisson.bundle")]';
/** Where it is, in an ES module, too, into which a bundler has put it: koffi is found from there. */
const OWN_FILE = `(${IS_ES_MODULE}?${BUNDLE}:__filename)`;

/** A program is an ES module itself: of ours it imports what it needs when it needs it. */
const PROGRAM_LOADING: Loading = {
  load(specifier) {
    if (specifier.startsWith('node:')) return undefined;
    throw new Error(`a program imports '${specifier}' with import() only`);
  },
  loadLater: (specifier) => `import("${toCjs(specifier)}").then((module)=>module.default)`,
};

const exportsOf = (source: string) => parse(source)[1].map(({ n }) => n);

function toCommonJs(source: string): string {
  // esbuild writes one export statement, at the end.
  const end = source.lastIndexOf('export{');
  const names = parse(source)[1].map(({ n, ln = n }) => (n === ln ? n : `${n}:${ln}`));
  const body = rewriteImports(end === -1 ? source : source.slice(0, end), {
    load: requireFrom,
    loadLater: requireLater,
  });
  return `"use strict";${body.replaceAll('import.meta.url', OWN_FILE)}\nmodule.exports={${names.join(',\n')}};\n`;
}

function rewriteImports(source: string, { load, loadLater }: Loading): string {
  let rewritten = '';
  let done = 0;
  for (const { n: specifier, ss: start, se: end, d: dynamicAt } of parse(source)[0]) {
    if (specifier === undefined) continue;
    const isStatic = dynamicAt === -1;
    const loaded = isStatic ? load(specifier) : loadLater(specifier);
    if (loaded === undefined) continue;
    const bind = isCalledLate(specifier) ? bindCalls : bindTo;
    rewritten += source.slice(done, start) + (isStatic ? bind(loaded, source.slice(start, end)) : loaded);
    done = end;
  }
  return rewritten + source.slice(done);
}

const isCalledLate = (specifier: string) => specifier.replace(/^\.\/(.*)\.js$/, '$1') in CALLED_LATE;

/** `import{a,b as c}from"x"` as functions that load what they call: `const a=(...args)=>x.a(...args),c=…`. */
function bindCalls(loaded: string, statement: string): string {
  const [, names] = /^import\s*\{(.*)\}\s*from\s*"[^"]*"$/s.exec(statement) ?? [];
  const functions = names?.split(',').map((each) => {
    const [name = '', local = name] = each.trim().split(/\s+as\s+/);
    if (!/^[a-z]/.test(name)) throw new Error(`only functions can be called late: ${statement}`);
    return `${local}=(...args)=>${loaded}.${name}(...args)`;
  });
  if (functions === undefined) throw new Error(`cannot rewrite ${statement}`);
  return `const ${functions}`;
}

/** `import a,{b as c}from"x"` as constants: `const a=x,{b:c}=x`. */
function bindTo(loaded: string, statement: string): string {
  const [, whole, names] = /^import\s*([\w$]+)?,?\s*(?:\{(.*)\})?\s*(?:from)?\s*"[^"]*"$/s.exec(statement) ?? [];
  const bindings = [whole, names && `{${names.replaceAll(/\s+as\s+/g, ':')}}`].filter((each) => each !== undefined);
  if (bindings.length === 0 && !/^import"/.test(statement)) throw new Error(`cannot rewrite ${statement}`);
  return bindings.length === 0 ? loaded : `const ${bindings.map((binding) => `${binding}=${loaded}`)}`;
}

/**
 * Whatever is loaded late finds the package's entry loaded, and needs most of what is called late. Told so, the bundler
 * makes one file of all that either needs, and not one for every set of late modules that share it: each file takes Node
 * a part of a millisecond. What is called late stays a file of its own, which {@link convertModules} has its callers load.
 */
const fewFiles: EsbuildPlugin = {
  name: 'few files',
  setup(build) {
    const late = lateModules();
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (!late.has(path)) return undefined;
      const needed = [ENTRIES.index, ...Object.values(CALLED_LATE)].map((each) => resolve(each));
      const exports = needed
        .filter((each) => each !== path)
        .map((each, index) => `export * as needed${index} from ${JSON.stringify(each)};`);
      return { contents: [await readFile(path, 'utf8'), ...exports].join('\n'), loader: 'ts' };
    });
    for (const [name, called] of Object.entries(CALLED_LATE)) {
      build.onResolve({ filter: new RegExp(`/${name}\\.ts$`) }, ({ importer, path, resolveDir }) => {
        if (importer === '' || late.has(importer) || resolve(resolveDir, path) !== resolve(called)) return undefined;
        return { path: `./${name}.js`, external: true };
      });
    }
  },
};

/** The modules of ours that are imported dynamically, or called late. */
function lateModules(): Set<string> {
  const late = new Set(Object.values(CALLED_LATE).map((path) => resolve(path)));
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

export default defineConfig([
  {
    entry: { ...ENTRIES, ...PROGRAMS, ...CALLED_LATE },
    format: 'esm',
    target: 'node20.18',
    platform: 'node',
    splitting: true,
    // 5 KiB, which take Node longer to find than to read.
    noExternal: ['eventemitter3'],
    // Keeps 'node:fs' as written.
    removeNodeProtocol: false,
    esbuildPlugins: [fewFiles],
    esbuildOptions(options) {
      // Comments and white space are half of what Node would have to read at every import.
      options.minifySyntax = true;
      options.minifyWhitespace = true;
      options.lineLimit = LINE_LENGTH;
    },
    onSuccess: convertModules,
  },
  { entry: ENTRIES, format: ['esm', 'cjs'], dts: { only: true } },
]);
