import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with its totals as a plain line, which .ci/run adds up: `12 passed, 0 failed`. */
export default class ClosingLine implements Reporter {
  #line = '0 passed, 0 failed';

  onInit(): void {
    // At the exit, because the default reporter prints its summary in the same event as this one counts.
    process.once('exit', () => console.log(this.#line));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const passed = modules.flatMap((module) => [...module.children.allTests('passed')]).length;
    const failed = modules.flatMap((module) => [...module.children.allTests('failed')]).length;
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandledErrors.length;
    this.#line = `${passed} passed, ${failed + broken} failed`;
  }
}
