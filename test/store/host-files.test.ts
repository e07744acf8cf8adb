import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { findProgram, readHostFile } from '../../store/host-files.ts';
import { temporaryDirectory } from '../support/temporary.ts';

afterEach(() => void vi.unstubAllEnvs());

test('a file that is not there is empty; one that cannot be read for another reason is an error', (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(`${directory}/hosts`, '127.0.0.1 localhost\n');
  expect(readHostFile(`${directory}/hosts`)).toBe('127.0.0.1 localhost\n');
  expect(readHostFile(`${directory}/none`)).toBe('');
  expect(() => readHostFile(directory)).toThrow(expect.objectContaining({ code: 'EISDIR' }));
});

test('a program is the first of the PATH that may be executed, then of the other directories', (context) => {
  const root = temporaryDirectory(context);
  const [plain, first, second, other] = ['plain', 'first', 'second', 'other'].map((name) => {
    mkdirSync(`${root}/${name}`);
    writeFileSync(`${root}/${name}/tool`, '');
    if (name !== 'plain') chmodSync(`${root}/${name}/tool`, 0o755);
    return `${root}/${name}`;
  }) as [string, string, string, string];
  vi.stubEnv('PATH', [plain, first, second].join(':'));
  expect(findProgram('tool', [other])).toBe(`${first}/tool`);
  vi.stubEnv('PATH', plain);
  expect(findProgram('tool', [other])).toBe(`${other}/tool`);
  expect(findProgram('tool')).toBeUndefined();
});

test('a PATH that depends on the working directory finds nothing', (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(`${directory}/bin`);
  writeFileSync(`${directory}/bin/tool`, '', { mode: 0o755 });
  vi.stubEnv('PATH', `bin::${process.cwd()}/none`);
  expect(findProgram('tool')).toBeUndefined();
});
