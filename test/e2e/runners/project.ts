/** A project of somebody who has installed caisson and runs tests. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'vitest';
import { packageFor, ROOT, runtimeModules } from '../../support/built-package.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** A project in a directory of its own, and its store. */
export interface Project {
  readonly directory: string;
  /** What is in the store that bears the name of an owner, or is a container's. */
  left(): string[];
  /** Uses the store once more, and ends. */
  useStore(): Promise<void>;
  /** Runs a program of the repository's node_modules in it, to its end. */
  run(program: string, ...args: string[]): Promise<{ readonly code: number; readonly output: string }>;
}

/**
 * Makes a project with the package as built, installed as npm does: a directory in node_modules, not a link out of them.
 * @param files by their names
 * @param linked packages besides, for what the files import
 */
export function makeProject(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  linked: readonly string[] = [],
): Project {
  const directory = temporaryDirectory(context);
  const source = packageFor(process.getuid?.() ?? 0);
  const store = join(directory, 'store');
  for (const name of ['package.json', 'dist']) {
    cpSync(join(source, name), join(directory, 'node_modules/caisson', name), { recursive: true });
  }
  for (const path of [...runtimeModules(), ...linked.map((name) => `node_modules/${name}`)]) {
    const link = join(directory, path);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, path), link);
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return {
    directory,
    left: () => (existsSync(store) ? leftIn(store) : []),
    async useStore() {
      const script = join(directory, 'use-store.cjs');
      writeFileSync(script, "const { Container, Image } = require('caisson'); Container.run(Image.host(), ['true']);");
      await run(script, [], directory, store);
    },
    run: (program, ...args) => run(join(ROOT, 'node_modules', program), args, directory, store),
  };
}

function leftIn(store: string): string[] {
  const owners = readdirSync(join(store, 'locks')).filter((name) => name.startsWith('owner-'));
  const rest = ['containers', 'spares', 'tmp'].flatMap((name) => readdirSync(join(store, name)));
  return [...owners, ...rest];
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  store: string,
): Promise<{ code: number; output: string }> {
  // What the runner around this one says of itself is not for the one in there.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|JEST|NODE_ENV|TEST$)/.test(name)),
  );
  return new Promise((resolve) => {
    const options = { cwd, env: { ...env, CAISSON_ROOT: store, NO_COLOR: '1' } };
    const child = execFile(process.execPath, [program, ...args], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}
