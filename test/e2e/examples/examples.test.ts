import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../support/built-package.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { EXAMPLES, exampleFile, outputOf, runExample, USERS } from './example.ts';

test.each(EXAMPLES)('%s says in its first lines what it shows and how to run it, and fits a screen', (name) => {
  const lines = readFileSync(exampleFile(name), 'utf8').trimEnd().split('\n');
  const comment = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('// ')),
  );
  expect(comment.length).toBeGreaterThan(0);
  expect(comment.join('\n')).toContain(`npx tsx examples/${name}.ts`);
  expect(lines.length).toBeLessThanOrEqual(40);
});

test('an example runs as its first lines say', async (context) => {
  const env = { ...process.env, CAISSON_ROOT: join(temporaryDirectory(context), 'store') };
  const tsx = join(ROOT, 'node_modules/tsx/dist/cli.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, 'examples/hello.ts'], { cwd: ROOT, env });
  expect(stdout).toMatch(/^Hello from inside!$/m);
});

describe.each(USERS)('as user %i', (uid) => {
  test('hello tells what is different inside, and names examples that exist', async (context) => {
    const output = await outputOf(context, 'hello', uid);
    expect(output).toMatch(/^Hello from inside!$/m);
    expect(output).toMatch(new RegExp(`^ +hostname +box +${hostname()}$`, 'm'));
    expect(output).toMatch(/^ +PID +1 +\d+$/m);
    expect(output).toMatch(new RegExp(`^ +user id +0 +${uid}$`, 'm'));
    expect(output).toMatch(/^ +processes +1 +\d+$/m);
    expect(output).toMatch(/^Another container, made, run and removed: \d+\.\d ms\.$/m);
    const named = [...output.matchAll(/npx tsx (\S+)/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('ps shows the command as PID 1 and nobody else, or behind an init', async (context) => {
    requires(context, isOnPath('ps'), 'ps');
    const [alone = '', supervised = ''] = (await outputOf(context, 'ps', uid)).split('\n\n');
    expect(processesIn(alone)).toEqual(['1 ps aux']);
    expect(processesIn(supervised)).toEqual(['1 caisson', '2 ps aux']);
  });

  test('volume outlives its containers, is kept from removal by its user, and gets into a running one', async (context) => {
    const lines = (await outputOf(context, 'volume', uid)).trim().split('\n');
    expect(lines.slice(0, 3)).toEqual(['visits so far: 1', 'visits so far: 2', 'visits so far: 3']);
    expect(lines[3]).toMatch(/^example-visits: \d+ bytes, of .*, used by 0 containers$/);
    expect(lines[4]).toMatch(/^volume 'example-visits' is used by container 'example-keeper'/);
    expect(lines[5]).toMatch(/^the last: visit by [0-9a-f]{12}$/);
  });

  test('ready waits for a server, asks it without a port, and tells why another does not start', async (context) => {
    requires(context, isOnPath('perl'), 'perl');
    expect((await outputOf(context, 'ready', uid)).trim().split('\n')).toEqual([
      'Hello from box',
      'it is healthy',
      'START_FAILED: exit code 3, no space left',
    ]);
  });

  test('namespaces shows five that the container does not share', async (context) => {
    const output = await outputOf(context, 'namespaces', uid);
    for (const [name, kind] of Object.entries({ mount: 'mnt', pid: 'pid', network: 'net', ipc: 'ipc', uts: 'uts' })) {
      const [, inside, outside] =
        new RegExp(`^${name} +${kind}:\\[(\\d+)\\] +${kind}:\\[(\\d+)\\]`, 'm').exec(output) ?? [];
      expect(inside).toBeDefined();
      expect(inside).not.toBe(outside);
    }
    expect(output).toMatch('They share none.');
  });

  test('private-tmp writes to a tmpfs that this machine does not see', async (context) => {
    const output = await outputOf(context, 'private-tmp', uid);
    expect(output).toMatch(/mounted in the container: +\S+ \/tmp tmpfs .*size=16384k/);
    expect(output).toMatch('/tmp/private.txt in there: nobody else reads this\n');
    expect(output).toMatch('/tmp/private.txt out here: not there\n');
  });

  test('chroot runs programs of this machine in a root that holds them and their libraries', async (context) => {
    const output = await outputOf(context, 'chroot', uid);
    expect(output).toMatch(/^\/bin\/ls needs \S+/m);
    expect(output).toMatch(/^All there is:\n\/:\nbin\n/m);
    expect(output).toMatch(/^\/bin:\nls\nsh\n/m);
  });

  test('exec collects and streams, and tells of the container by its events', async (context) => {
    expect((await outputOf(context, 'exec', uid)).split('\n')).toEqual([
      '> uname -n',
      'box',
      '> ls /nowhere',
      expect.stringMatching(/^exit code [12]: ls: .*No such file or directory$/),
      '> sort',
      'apple',
      'fig',
      'pear',
      '{ exitCode: 0, signal: null }',
      'the container ended with SIGKILL',
      '',
    ]);
  });

  test('two-containers shows that each has its own files', async (context) => {
    expect((await outputOf(context, 'two-containers', uid)).split('\n')).toEqual([
      'left   has apples in its basket, and /etc/only-left',
      'right  has pears in its basket, and /etc/only-right',
      'here   there is no basket',
      'third  has no basket',
      '',
    ]);
  });

  test('files writes before a start, reads after the end, and copies from container to container', async (context) => {
    expect((await outputOf(context, 'files', uid)).split('\n')).toEqual([
      'copied in: 1 file of 15 bytes',
      'sorted  15 bytes, mode 644',
      'words   15 bytes, mode 644',
      'apple, fig, pear',
      'the other one has sorted and words',
      '',
    ]);
  });

  test('plan prints system calls with their reasons, from the first clone to the command', async (context) => {
    const output = await outputOf(context, 'plan', uid);
    const calls = output.split('\n').filter((line) => /^ *\d+ {2}.*\w\(.* {2}# \w/.test(line));
    expect(output).toContain(`\n${calls.length} system calls.`);
    const inOrder = ['clone3(', 'mount("overlay"', 'pivot_root(', 'sethostname("box", 3)', '["echo","hello"]'];
    const found = inOrder.map((text) => calls.findIndex((call) => call.includes(text)));
    expect(found).not.toContain(-1);
    expect(found).toEqual(found.toSorted((left, right) => left - right));
  });

  test('unshare runs a command among the files of this machine, in other namespaces', async (context) => {
    expect(await outputOf(context, 'unshare', uid)).toBe('unshared\n0\n1\n1\n\n');
  });

  test('nsenter runs a program of this machine in the network of a container', async (context) => {
    expect(await outputOf(context, 'nsenter', uid)).toMatch(/^called server, in net:\[\d+\], which is the server's\n$/);
  });

  test('pod has a client that asks a server by its name', async (context) => {
    expect(await outputOf(context, 'pod', uid)).toBe('hello from the server\n');
  });

  test('time shows clocks that are a week ahead', async (context) => {
    const [, here, there] = /up for (\S+) days, in there for (\S+)\n$/.exec(await outputOf(context, 'time', uid)) ?? [];
    expect(Number(there) - Number(here)).toBeCloseTo(7, 1);
  });

  test('unshare-setns leaves its UTS namespace and comes back, or says that this needs root', async (context) => {
    const { stdout, stderr, exitCode } = await runExample(context, 'unshare-setns', uid);
    const name = hostname();
    if (uid === 0) {
      expect(stdout).toBe(`before unshare: ${name}\nafter unshare:  box\nafter setns:    ${name}\n`);
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    } else {
      expect(stdout).toBe(`before unshare: ${name}\n`);
      expect(stderr).toMatch(/^this needs root \(CAP_SYS_ADMIN\): .*EPERM/);
      expect(exitCode).toBe(1);
    }
    expect(hostname()).toBe(name);
  });
});

/** The lines of `ps aux`, as PID and command. */
function processesIn(output: string): string[] {
  const [, ...lines] = output.trim().split('\n');
  return lines.map((line) => line.trim().split(/\s+/)).map((columns) => [columns[1], ...columns.slice(10)].join(' '));
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, program)));
}
