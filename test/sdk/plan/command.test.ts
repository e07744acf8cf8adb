/** The search for a command, made by stubs on this machine. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { enterCommand } from '../../../sdk/plan/command.ts';
import { type Architecture, chdir } from '../../../syscalls/index.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { runSteps } from '../../syscalls/stub/programs.ts';
import { specOf } from './specs.ts';

const [ENOENT, EACCES, ENOTDIR] = [-2, -13, -20];

test('the first directory of PATH that has the command counts', async (context) => {
  const directory = programs(context, { 'a/other': 0o755, 'b/command': 0o755, 'c/command': 0o755 });
  const { stdout, failure } = await enter(context, directory, ['command'], [`PATH=${path(directory, 'a', 'b', 'c')}`]);
  expect({ stdout, failure }).toEqual({ stdout: 'b/command\n', failure: undefined });
});

test('a file that may not be executed and a file for a directory do not end the search', async (context) => {
  const directory = programs(context, { 'a/command': 0o644, file: 0o644, 'b/command': 0o755 });
  const { stdout } = await enter(context, directory, ['command'], [`PATH=${path(directory, 'a', 'file', 'b')}`]);
  expect(stdout).toBe('b/command\n');
});

test.for([
  ['a file that may not be executed is the error when nothing else is found', ['none', 'a', 'none'], EACCES],
  ['the error is of the last directory when there is none', ['a/none', 'none', 'file'], ENOTDIR],
  ['the error is that there is none when directories have others', ['file', 'a/none', 'b'], ENOENT],
] as const)('%s', async ([, names, errno], context) => {
  const directory = programs(context, { 'a/command': 0o644, 'b/other': 0o755, file: 0o644 });
  const ended = await enter(context, directory, ['command'], [`PATH=${path(directory, ...names)}`]);
  expect(ended).toMatchObject({ exitCode: 127, failure: { errno } });
});

test('an empty directory of PATH is the working directory', async (context) => {
  const directory = programs(context, { command: 0o755 });
  for (const value of ['', ':/nowhere', '/nowhere:']) {
    expect((await enter(context, directory, ['command'], [`PATH=${value}`])).stdout).toBe('command\n');
  }
});

test('without a PATH it is searched for in /bin and /usr/bin, and not in the working directory', async (context) => {
  const directory = programs(context, { command: 0o755, echo: 0o755 });
  expect((await enter(context, directory, ['echo', 'of the system'], [])).stdout).toBe('of the system\n');
  expect((await enter(context, directory, ['command'], [])).failure?.errno).toBe(ENOENT);
});

test('a command with a slash is no name to search for', async (context) => {
  const directory = programs(context, { 'a/command': 0o755, 'b/a/command': 0o755 });
  const env = [`PATH=${path(directory, 'b')}`];
  expect((await enter(context, directory, ['a/command'], env)).stdout).toBe('a/command\n');
  expect((await enter(context, directory, ['./command'], env)).failure?.errno).toBe(ENOENT);
});

test('the command gets its arguments and its environment, and no other', async (context) => {
  const directory = programs(context, {});
  const args = ['sh', '-c', 'echo "$1:$2:$A"; env', 'name', 'one two', ''];
  const { stdout } = await enter(context, directory, args, ['PATH=/bin:/usr/bin', 'A=a "b"']);
  const lines = stdout.trim().split('\n');
  expect(lines[0]).toBe('one two::a "b"');
  // A shell adds these by itself.
  const names = lines.slice(1).map((line) => line.split('=')[0]);
  expect(names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name ?? '')).sort()).toEqual(['A', 'PATH']);
});

/** Scripts by name and mode that print their name, in a directory of the test. */
function programs(context: TestContext, modes: Readonly<Record<string, number>>): string {
  const directory = temporaryDirectory(context);
  for (const [name, mode] of Object.entries(modes)) {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    writeFileSync(join(directory, name), `#!/bin/sh\necho ${name}\n`);
    chmodSync(join(directory, name), mode);
  }
  return directory;
}

function path(directory: string, ...names: readonly string[]): string {
  return names.map((name) => join(directory, name)).join(':');
}

/** Enters a command as a container's process does, in a directory of this machine. */
function enter(context: TestContext, directory: string, args: readonly string[], env: readonly string[]) {
  const command = enterCommand({ ...specOf().process, args, env });
  const steps = [chdir.step('entering the directory', [directory]), ...command];
  return runSteps(context, process.arch as Architecture, steps);
}
