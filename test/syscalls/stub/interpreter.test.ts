/** The bytes of both interpreters against their source, by other people's assemblers. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { type Architecture, MACHINES } from '../../../syscalls/index.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { binutils } from './binutils.ts';

const ARCHITECTURES: readonly Architecture[] = ['x64', 'arm64'];

test.each(ARCHITECTURES)('the %s interpreter is what an assembler makes of its source', (arch) => {
  return async (context: TestContext) => context;
});
