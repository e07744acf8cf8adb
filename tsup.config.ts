import { defineConfig, type Options } from 'tsup';

/**
 * Both entries use syscalls/. It is built once, as dist/syscalls, and dist/index imports it from there, so that
 * `error instanceof SyscallError` holds whichever entry the class comes from, in ESM and in CommonJS. This rests on
 * the rule that syscalls/ is entered through its index.ts. (tsup's `splitting` does the same, but in CommonJS it
 * passes the output through a second compiler, which turns every `?.` into a function call.)
 */
const oneCopyOfSyscalls: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'one-copy-of-syscalls',
  setup({ initialOptions, onResolve }) {
    const path = initialOptions.format === 'cjs' ? './syscalls.cjs' : './syscalls.js';
    onResolve({ filter: /\/syscalls\/index\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path, external: true, sideEffects: false },
    );
  },
};

export default defineConfig({
  entry: { index: 'sdk/index.ts', syscalls: 'syscalls/index.ts' },
  format: ['esm', 'cjs'],
  target: 'node20.18',
  platform: 'node',
  // 5 KiB, which take Node longer to find than to read.
  noExternal: ['eventemitter3'],
  // Keeps 'node:fs' as written.
  removeNodeProtocol: false,
  dts: true,
  clean: true,
  splitting: false,
  // `import.meta.url` in CommonJS: koffi is loaded by a require made from it.
  shims: true,
  esbuildPlugins: [oneCopyOfSyscalls],
  // Names stay, for stack traces. Comments and white space are half of what Node would have to read at every import.
  esbuildOptions(options) {
    options.minifySyntax = true;
    options.minifyWhitespace = true;
  },
});
