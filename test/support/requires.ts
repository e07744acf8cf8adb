import type { TestContext } from 'vitest';

/** With CAISSON_MUST_WORK=1 (set by .ci/run) a test that cannot run here has failed. */
const mustWork = process.env.CAISSON_MUST_WORK === '1';

/**
 * Skips the test, with the reason, where the machine lacks something it needs; fails it with CAISSON_MUST_WORK=1.
 * For what a machine may lack (`'user namespaces'`, `'skopeo'`). A test that is about one kind of user by nature
 * is no such case: write `test.runIf(process.getuid?.() === 0)`.
 *
 * @example
 * test('an image made by umoci is imported', async (context) => {
 *   const { layout } = inject('images');
 *   requires(context, layout, 'an image layout made by umoci');
 */
export function requires(context: TestContext, condition: unknown, what: string): asserts condition {
  if (condition) return;
  if (mustWork) throw new Error(`this test requires ${what}, and CAISSON_MUST_WORK=1 forbids skipping it`);
  context.skip(`requires ${what}`);
}
