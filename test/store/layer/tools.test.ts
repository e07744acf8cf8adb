/** Archives of this codec read by other programs, and theirs by this one: the same tree each time, in every detail. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { applyLayer } from '../../../store/layer/apply.ts';
import { readTar } from '../../../store/layer/read.ts';
import { treeEntries } from '../../../store/layer/walk.ts';
import { writeTar } from '../../../store/layer/write.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { makeTreeOfAllKinds } from '../support/all-kinds.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { has } from '../support/programs.ts';
import { collect, inChunks } from '../support/streams.ts';

const isRoot = process.geteuid?.() === 0;
const run = (program: string, ...args: readonly string[]) =>
  execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1024 ** 3 });

const PYTHON_READ = `
import sys, tarfile
with tarfile.open(sys.argv[1], errors='surrogateescape') as archive:
    archive.extractall(sys.argv[2], numeric_owner=True)`;
const PYTHON_WRITE = `
import sys, tarfile
with tarfile.open(sys.argv[1], 'w', format=tarfile.PAX_FORMAT) as archive:
    archive.add(sys.argv[2], '.')`;

function umociLayout(directory: string): string {
  const layout = join(directory, 'layout');
  run('umoci', 'init', '--layout', layout);
  run('umoci', 'new', '--image', `${layout}:a`);
  return layout;
}

const TAR_OPTIONS = ['--numeric-owner', '--xattrs', '--xattrs-include=*'];

/**
 * By their names, and with what they cannot. Python's tarfile knows no attributes, and its times are doubles; bsdtar
 * counts fractions in the wrong direction before 1970; umoci writes whole seconds.
 */
const READERS = [
  ['GNU tar', 'tar', [], (archive: string, root: string) => run('tar', '-xpf', archive, '-C', root, ...TAR_OPTIONS)],
  [
    'bsdtar',
    'bsdtar',
    ['old times'],
    (archive: string, root: string) => run('bsdtar', '-xpf', archive, '-C', root, '--numeric-owner'),
  ],
  ['umoci (Go)', 'umoci', [], readWithUmoci],
  [
    'Python',
    'python3',
    ['attributes', 'times'],
    (archive: string, root: string) => run('python3', '-c', PYTHON_READ, archive, root),
  ],
] as const;

function readWithUmoci(archive: string, root: string, directory: string): void {
  const layout = umociLayout(directory);
  run('umoci', 'raw', 'add-layer', '--image', `${layout}:a`, archive);
  run('umoci', 'unpack', '--image', `${layout}:a`, join(directory, 'bundle'));
  run('cp', '-a', `${directory}/bundle/rootfs/.`, root);
}

/** Without what a reader or a writer cannot do. */
function comparable(lines: readonly string[], without: readonly string[]): string[] {
  const time = / (-?\d+)\d{9} /;
  return lines.map((line) => (without.includes('times') ? line.replace(time, ' ') : line));
}

async function archiveOf(tree: string): Promise<Buffer> {
  const fd = openSync(tree, 'r');
  try {
    return await collect(writeTar(treeEntries(fd)));
  } finally {
    closeSync(fd);
  }
}

describe.runIf(isRoot)('what is written here is unpacked to the same tree by', () => {
  test.for(READERS)('%s', async ([, program, without, read], context) => {
    requires(context, has(program), program);
    const directory = temporaryDirectory(context);
    const [tree, theirs, archive] = ['tree', 'theirs', 'archive.tar'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    makeTreeOfAllKinds(tree, without);
    mkdirSync(theirs);
    writeFileSync(archive, await archiveOf(tree));
    read(archive, theirs, directory);
    expect(comparable(fingerprint(theirs), without)).toEqual(comparable(fingerprint(tree), without));
  });
});

const WRITERS = [
  [
    'GNU tar',
    'tar',
    [],
    (tree: string, archive: string) =>
      run('tar', '-cf', archive, '-C', tree, '--format=posix', '--sparse', ...TAR_OPTIONS, '.'),
  ],
  [
    'GNU tar in its own format',
    'tar',
    ['attributes', 'times', 'old times'],
    (tree: string, archive: string) =>
      run('tar', '-cf', archive, '-C', tree, '--format=gnu', '--sparse', '--numeric-owner', '.'),
  ],
  [
    'bsdtar',
    'bsdtar',
    ['old times'],
    (tree: string, archive: string) =>
      run('bsdtar', '-cf', archive, '-C', tree, '--format=pax', '--numeric-owner', '.'),
  ],
  ['umoci (Go)', 'umoci', ['times', 'old times'], writeWithUmoci],
  [
    'Python',
    'python3',
    ['attributes', 'times'],
    (tree: string, archive: string) => run('python3', '-c', PYTHON_WRITE, archive, tree),
  ],
] as const;

function writeWithUmoci(tree: string, archive: string, directory: string): void {
  const layout = umociLayout(directory);
  const bundle = join(directory, 'bundle');
  run('umoci', 'unpack', '--image', `${layout}:a`, bundle);
  run('cp', '-a', `${tree}/.`, join(bundle, 'rootfs'));
  run('umoci', 'repack', '--image', `${layout}:a`, bundle);
  const blob = (digest: string) => readFileSync(join(layout, 'blobs', digest.replace(':', '/')));
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
  const manifest = JSON.parse(blob(index.manifests[0].digest).toString());
  writeFileSync(archive, gunzipSync(blob(manifest.layers[0].digest)));
}

describe.runIf(isRoot)('unpacked to the same tree is what is written by', () => {
  test.for(WRITERS)('%s', async ([, program, without, write], context) => {
    requires(context, has(program), program);
    const directory = temporaryDirectory(context);
    const [tree, ours, archive] = ['tree', 'ours', 'archive.tar'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    makeTreeOfAllKinds(tree, without);
    mkdirSync(ours);
    write(tree, archive, directory);
    await applyLayer(readTar(inChunks(readFileSync(archive))), ours, { kind: 'all' });
    expect(comparable(fingerprint(ours), without)).toEqual(comparable(fingerprint(tree), without));
  });
});
