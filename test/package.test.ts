import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, runtimeModules } from './support/built-package.ts';
import { removeTree } from './support/temporary.ts';

const run = promisify(execFile);
const tool = (path: string) => join(ROOT, 'node_modules', path);
/** What a program has loaded that imported caisson and called nothing yet; the rest is loaded when it is needed. */
const EAGER = ['eventemitter3'];

let directory: string;
let tarball: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'caisson-test-'));
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', directory], { cwd: ROOT });
  tarball = join(directory, readdirSync(directory).find((name) => name.endsWith('.tgz')) ?? '');
});

afterAll(() => removeTree(directory));

describe('the tarball', () => {
  test('holds the built package and its documents, and nothing else', async () => {
    const { stdout } = await run('tar', ['tzf', tarball]);
    const files = stdout
      .trim()
      .split('\n')
      .map((path) => path.replace('package/', ''));
    const documents = ['ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
    expect(files.filter((file) => !file.startsWith('dist/')).sort()).toEqual(documents);
    expect(files.filter((file) => !/\.(js|cjs|d\.ts|d\.cts)$/.test(file)).sort()).toEqual(documents);
  });

  test('is in order for publint', async () => {
    expect(await node([tool('publint/src/cli.js'), 'run', '--strict', tarball])).toMatch('All good!');
  });

  test('is in order for @arethetypeswrong/cli, in every module resolution', async () => {
    const { bin } = createRequire(import.meta.url)('@arethetypeswrong/cli/package.json') as { bin: { attw: string } };
    const attw = tool(join('@arethetypeswrong/cli', bin.attw));
    expect(await node([attw, '--no-definitely-typed', '--format', 'ascii', tarball])).toMatch('No problems');
  });

  test('has no long lines: Node prints the one that threw', async () => {
    const { stdout } = await run('tar', ['xzOf', tarball, '--wildcards', 'package/dist/*.js', 'package/dist/*.cjs'], {
      maxBuffer: 16 * 1024 * 1024,
    });
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(1000);
  });

  test('has no install script', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    expect(Object.keys(scripts).filter((name) => /install|prepare|prepublish/.test(name))).toEqual([]);
  });
});

describe('installed', () => {
  test('imports and requires the same names, without loading koffi, undici, tar or fzstd', async () => {
    const project = await install(EAGER);
    for (const entry of ['caisson', 'caisson/syscalls']) {
      const imported = await evaluate(project, 'module', `console.log(Object.keys(await import('${entry}')).join())`);
      const required = await evaluate(project, 'commonjs', `console.log(Object.keys(require('${entry}')).join())`);
      const names = (text: string) =>
        text
          .trim()
          .split(',')
          .filter((name) => !/^(default|module\.exports|__esModule)$/.test(name))
          .sort();
      expect(names(imported)).not.toEqual(['']);
      expect(names(imported)).toEqual(names(required));
    }
  });

  test('is one, whether it is imported or required', async () => {
    const source = `import { createRequire } from 'node:module';
      const require = createRequire(process.cwd() + '/');
      for (const entry of ['caisson', 'caisson/syscalls']) {
        const [imported, required] = [await import(entry), require(entry)];
        console.log(Object.keys(required).every((name) => imported[name] === required[name]));
      }`;
    expect(await evaluate(await install(EAGER), 'module', source)).toBe('true\ntrue\n');
  });

  test.each(['module', 'commonjs'] as const)(
    'plans at once, before anything else was loaded, as a %s',
    async (type) => {
      const load = type === 'module' ? "await import('caisson')" : "require('caisson')";
      const source = `const { Container, Image } = ${load}; console.log(typeof Container.plan(Image.host()).toString())`;
      expect(await evaluate(await install(), type, source)).toBe('string\n');
    },
  );

  test.each(['module', 'commonjs'] as const)('calls classes by their names, as a %s', async (type) => {
    const load = type === 'module' ? "await import('caisson')" : "require('caisson')";
    const source = `for (const [name, value] of Object.entries(${load})) if (/^class /.test(value)) console.log(name, value.name);`;
    const lines = (await evaluate(await install(EAGER), type, source)).trim().split('\n');
    expect(lines).toContain('Container Container');
    expect(lines.filter((line) => new Set(line.split(' ')).size > 1)).toEqual([]);
  });

  test('reads no more than what options can be checked with: three files of 80 KiB', async () => {
    const source = "require('caisson'); console.log(Object.keys(require.cache).join())";
    const files = (await evaluate(await install(EAGER), 'commonjs', source)).trim().split(',');
    expect(files).toHaveLength(3);
    expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(80 * 1024);
  });

  test('has one SyscallError, whichever entry it comes from', async () => {
    const project = await install(EAGER);
    const same = "console.log(sdk.SyscallError === raw.SyscallError && typeof raw.SyscallError === 'function')";
    const importing = `const [sdk, raw] = [await import('caisson'), await import('caisson/syscalls')]; ${same}`;
    const requiring = `const [sdk, raw] = [require('caisson'), require('caisson/syscalls')]; ${same}`;
    expect(await evaluate(project, 'module', importing)).toBe('true\n');
    expect(await evaluate(project, 'commonjs', requiring)).toBe('true\n');
  });

  test.each(['esm', 'cjs'] as const)(
    'works when a bundler has made one file of it and its program: %s',
    async (format) => {
      const project = await install();
      const source = `
        import { Container, Image } from 'caisson';
        import { koffiVersion } from 'caisson/syscalls';
        process.env.CAISSON_ROOT = ${JSON.stringify(join(project, 'store'))};
        const failed = ({ code }) => console.log(typeof Container.plan(Image.host()).toString(), typeof koffiVersion(), code);
        Image.load(${JSON.stringify(tarball)}).then(undefined, failed);`;
      const outfile = join(project, format === 'esm' ? 'bundle.mjs' : 'bundle.cjs');
      const options = { bundle: true, platform: 'node', format, outfile, logLevel: 'error' } as const;
      for (const external of [[], ['tar', 'undici', 'fzstd']]) {
        await build({ stdin: { contents: source, resolveDir: project }, external, ...options });
        // Not as the program, nor from its directory.
        const program = `import(${JSON.stringify(outfile)})`;
        expect(await node(['--input-type=module', '--eval', program], directory)).toBe('string string IMAGE_INVALID\n');
      }
    },
  );

  test.each([
    ['KOFFI_NOT_LOADED', 'koffi is missing', ''],
    ['UNSUPPORTED_PLATFORM', 'this is not Linux', "Object.defineProperty(process, 'platform', { value: 'darwin' });"],
  ])('says %s when %s', async (code, _, preparation) => {
    const source = `${preparation}
      const { Container, Image } = await import('caisson');
      const run = async () => Container.run(Image.host(), ['true']);
      console.log(await run().then(() => 'no error', (error) => error.code));`;
    expect(await evaluate(await install(EAGER), 'module', source)).toBe(`${code}\n`);
  });

  test('has types for ESM, CommonJS and the resolution of ts-node', async () => {
    const project = await install();
    const source =
      "import { Container, Image } from 'caisson';\nimport { unshare, SyscallError } from 'caisson/syscalls';\n";
    const uses = 'export const used: unknown[] = [Container, Image, unshare, SyscallError];\n';
    for (const name of ['esm.mts', 'cjs.cts', 'ts-node.ts']) writeFileSync(join(project, name), source + uses);
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--types', 'node'];
    const tsc = (...args: string[]) => node([tool('typescript/bin/tsc'), ...options, ...args], project);
    await tsc('--module', 'node16', 'esm.mts', 'cjs.cts');
    // Without esModuleInterop: declarations must not need what a program may go without.
    await tsc('--module', 'commonjs', '--moduleResolution', 'node10', 'ts-node.ts');
  }, 120_000);
});

test('the examples compile against the built package', async () => {
  await node([tool('typescript/bin/tsc'), '-p', 'examples']);
});

/** Runs a tool in Node; it fails with all the tool said, because tsc writes its errors to stdout. */
async function node(args: readonly string[], cwd = ROOT): Promise<string> {
  try {
    return (await run(process.execPath, args, { cwd })).stdout;
  } catch (error) {
    const { message, stdout } = error as Error & { readonly stdout: string };
    throw new Error(`${message}\n${stdout}`);
  }
}

/** A project with the tarball installed, beside links to these packages it depends on, or to all of them. */
async function install(only?: readonly string[]): Promise<string> {
  const project = mkdtempSync(join(directory, 'project-'));
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'caisson'), { recursive: true });
  await run('tar', ['xzf', tarball, '--strip-components=1', '-C', join(modules, 'caisson')]);
  const wanted = [...runtimeModules(), 'node_modules/@types/node', 'node_modules/undici-types'];
  for (const path of wanted.filter((each) => only?.includes(each.replace('node_modules/', '')) ?? true)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(project, path));
  }
  return project;
}

function evaluate(project: string, type: 'module' | 'commonjs', source: string): Promise<string> {
  return node([`--input-type=${type}`, '--eval', source], project);
}
