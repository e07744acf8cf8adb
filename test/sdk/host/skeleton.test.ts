import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, type TestContext, test } from 'vitest';
import { type HostSkeleton, prepareHostSkeleton } from '../../../sdk/host/index.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const CHILD = new URL('prepare-in-child.ts', import.meta.url).pathname;
const NOBODY = 65534;

test('the skeleton of this machine is a root directory without programs and without secrets', (context) => {
  const directory = join(temporaryDirectory(context), 'host');
  const { lower, views, fingerprint } = prepareHostSkeleton(directory);
  expect(readdirSync(directory)).toEqual([basename(lower)]);
  expect(basename(lower)).toMatch(new RegExp(`^${fingerprint}-[0-9a-f]{8}$`));
  expect(views).toContainEqual({ source: '/usr', target: '/usr' });
  const modes = ['', 'etc', 'root', 'tmp', 'var/tmp'].map((name) => lstatSync(join(lower, name)).mode & 0o7777);
  expect(modes).toEqual([0o755, 0o755, 0o700, 0o1777, 0o1777]);
  for (const name of ['dev', 'proc', 'sys', 'run', 'root', 'home', 'usr']) {
    expect(readdirSync(join(lower, name)), name).toEqual([]);
  }
  expect(secretsIn(lower)).toEqual([]);
  expect(Number(execFileSync('du', ['-sm', lower], { encoding: 'utf8' }).split('\t')[0])).toBeLessThan(20);
});

test('a program of this machine starts in the skeleton and its views', (context) => {
  requires(context, process.getuid?.() === 0, 'root, to mount');
  const { lower, views } = prepareHostSkeleton(join(temporaryDirectory(context), 'host'));
  const mounts = views.map(({ source, target }) => `mount --rbind -o ro ${source} ${lower}${target}`);
  const script = `${mounts.join(' && ')} && exec chroot ${lower} /bin/sh -c 'id -un; ls /etc/ssl/certs | head -n 1; test -e /etc/shadow || echo none'`;
  const output = execFileSync('unshare', ['--mount', 'sh', '-c', script], { encoding: 'utf8' });
  expect(output).toMatch(/^root\n(.*\n)?none\n$/);
});

test('a second call finds the skeleton, and makes it again when it has gone', (context) => {
  const directory = temporaryDirectory(context);
  const first = prepareHostSkeleton(directory);
  const { ino } = lstatSync(first.lower);
  expect(prepareHostSkeleton(directory)).toEqual(first);
  expect(lstatSync(first.lower).ino).toBe(ino);
  execFileSync('rm', ['-r', first.lower]);
  expect(prepareHostSkeleton(directory)).toEqual(first);
  expect(existsSync(join(first.lower, 'etc/passwd'))).toBe(true);
});

test('several processes at once make one skeleton', async (context) => {
  const directory = join(temporaryDirectory(context), 'host');
  const children = Array.from({ length: 3 }, () => startChild(context, [process.execPath], directory));
  for (const { nextLine } of children) expect(await nextLine()).toBe('ready');
  for (const { child } of children) child.stdin?.write('go\n');
  const results = await Promise.all(children.map(({ nextLine }) => nextLine()));
  const [first] = results.map((line) => JSON.parse(line) as HostSkeleton);
  expect(new Set(results).size).toBe(1);
  expect(readdirSync(directory)).toEqual([basename(first?.lower ?? '')]);
});

test('the skeleton of an unprivileged user is the same as that of root', async (context) => {
  requires(context, process.getuid?.() === 0, 'root, to become somebody else');
  requires(context, existsSync('/usr/bin/setpriv'), 'setpriv');
  const directory = temporaryDirectory(context, 0o755);
  const [ours, theirs] = [join(directory, 'ours'), join(directory, 'theirs')];
  mkdirSync(theirs);
  chownSync(theirs, NOBODY, NOBODY);
  const setpriv = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', process.execPath];
  const { child, nextLine } = startChild(context, setpriv, theirs);
  requires(context, (await nextLine()) === 'ready', 'a checkout and a Node that every user can read');
  child.stdin?.write('go\n');
  const skeleton = JSON.parse(await nextLine()) as HostSkeleton;
  const own = prepareHostSkeleton(ours);
  expect(skeleton.fingerprint).toBe(own.fingerprint);
  expect(listing(skeleton.lower)).toEqual(listing(own.lower));
});

test('what an interrupted process left an hour ago is removed, and this skeleton of an earlier start', (context) => {
  const { fingerprint } = prepareHostSkeleton(temporaryDirectory(context));
  const directory = temporaryDirectory(context);
  const names = ['.unfinished-old', '.unfinished-new', `${fingerprint}-00000000`, 'f00-00000000'];
  for (const name of names) mkdirSync(join(directory, name));
  for (const name of ['.unfinished-old', 'f00-00000000']) utimesSync(join(directory, name), 0, 0);
  const { lower } = prepareHostSkeleton(directory);
  expect(readdirSync(directory).sort()).toEqual(['.unfinished-new', basename(lower), 'f00-00000000'].sort());
});

test('a directory that cannot be made is an error', () => {
  expect(() => prepareHostSkeleton('/dev/null/host')).toThrow(expect.objectContaining({ code: 'ENOTDIR' }));
});

function secretsIn(directory: string): string[] {
  const forbidden = /shadow|ssh_host|machine-id|\.key$|ssl\/private|tls\/private/;
  const paths = execFileSync('find', [directory, '-type', 'f'], { encoding: 'utf8' }).trim().split('\n');
  return paths.filter((path) => forbidden.test(path) || readFileSync(path).includes('PRIVATE KEY'));
}

/** Every path with its type, mode and target, sorted. */
function listing(directory: string): string[] {
  const format = ['-printf', '%P %y %m %l\n'];
  return execFileSync('find', [directory, ...format], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .sort();
}

interface Child {
  readonly child: ChildProcess;
  /** The next line of its output; empty at the end. */
  readonly nextLine: () => Promise<string>;
}

function startChild(context: TestContext, command: readonly string[], directory: string): Child {
  const [file = '', ...args] = [...command, '--import', import.meta.resolve('tsx'), CHILD, directory];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  context.onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { child, nextLine: async () => (await lines.next()).value ?? '' };
}
