import type { TestContext } from 'vitest';
import { type RunningScript, runScript, type ScriptOptions, type ScriptResult, startScript } from './script.ts';

/** The user scripts run as when the tests run as root: `nobody`, who owns nothing and has no subordinate ids. */
export const UNPRIVILEGED_UID = process.getuid?.() === 0 ? 65534 : (process.getuid?.() ?? 65534);

/**
 * Runs a script without privileges, with a HOME and a store of its own, and waits for its end.
 *
 * @example
 * const { stdout } = await runUnprivileged(context, `
 *   import { Container, Image } from 'caisson';
 *   console.log((await Container.run(Image.host(), ['id', '-u'])).stdout);
 * `);
 */
export function runUnprivileged(
  context: TestContext,
  script: string | URL,
  options?: ScriptOptions,
): Promise<ScriptResult> {
  return runScript(context, script, { uid: UNPRIVILEGED_UID, ...options });
}

/** Starts a script without privileges; for those that are to be killed or talked to. */
export function startUnprivileged(context: TestContext, script: string | URL, options?: ScriptOptions): RunningScript {
  return startScript(context, script, { uid: UNPRIVILEGED_UID, ...options });
}
