import { defineConfig } from 'vitest/config';

/** How many times slower than a desktop this machine is: a virtual machine in software emulation sets 20. */
const slowness = Number(process.env.CAISSON_TEST_SLOW ?? 1);
const root = new URL('..', import.meta.url).pathname;
const shared = { pool: 'forks', testTimeout: 30_000 * slowness, hookTimeout: 180_000 * slowness } as const;

// The sources, so that no test waits for a build; test/package.test.ts is about what is built.
const resolve = {
  alias: [
    { find: /^caisson$/, replacement: `${root}sdk/index.ts` },
    { find: /^caisson\/syscalls$/, replacement: `${root}syscalls/index.ts` },
  ],
};

export default defineConfig({
  root,
  test: {
    reporters: ['default', './test/support/closing-line.ts'],
    // Here and not in the projects, where it would run once for each.
    globalSetup: 'test/support/global-setup.ts',
    projects: [
      {
        resolve,
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/security/**'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        test: {
          ...shared,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/security/**/*.test.ts'],
          // One file at a time: they compare the machine's processes and mounts before and after (leftovers.ts).
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
