/** Upper directories that the kernel's overlay wrote, as layers: what they show is what the overlay showed. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { applyLayer } from '../../../store/layer/apply.ts';
import { Losses } from '../../../store/layer/attributes.ts';
import { listChanges } from '../../../store/layer/changes.ts';
import { diffEntries } from '../../../store/layer/diff.ts';
import { readTar } from '../../../store/layer/read.ts';
import { treeEntries } from '../../../store/layer/walk.ts';
import { type OutgoingEntry, writeTar } from '../../../store/layer/write.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { changeThroughOverlay, type Overlay } from '../support/overlay.ts';
import { has } from '../support/programs.ts';
import { collect } from '../support/streams.ts';

/** Only root mounts an overlay whose changes anybody but a container sees. */
const asRoot = test.runIf(process.geteuid?.() === 0);

const LOWER = `
  mkdir -p etc dir/sub replaced emptied same moved
  for file in gone etc/passwd etc/group dir/kept dir/gone dir/sub/deep replaced/old emptied/old same/as moved/in typed mode times; do
    echo lower > $file
  done
  ln etc/passwd etc/link
  find . -exec touch -h -d '2001-02-03 04:05:06.789' {} +
`;
const CHANGE = `
  rm gone dir/gone
  echo upper >> etc/passwd
  rm -r replaced; mkdir replaced; echo upper > replaced/new
  rm -r emptied; mkdir emptied
  chmod 644 etc/group same/as; chmod 600 mode; touch times
  rm typed; mkdir typed; echo upper > typed/in
  mkdir -p new/sub; echo upper > new/sub/file; ln new/sub/file new/hard; ln -s ../gone new/soft; mkfifo new/fifo
  mv moved elsewhere
  chmod 700 dir/sub
  setfattr -n user.kept -v yes new/sub/file
  python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("new/socket")'
`;

function collectTar(path: string, entries: (fd: number) => Iterable<OutgoingEntry>): Promise<Buffer> {
  const fd = openSync(path, 'r');
  return collect(writeTar(entries(fd))).finally(() => closeSync(fd));
}

function changed(context: TestContext, options = '', change = CHANGE): Overlay & { directory: string } {
  requires(
    context,
    ['unshare', 'setfattr', 'python3'].every((name) => has(name)),
    'unshare, attr and python3',
  );
  const directory = temporaryDirectory(context);
  return { directory, ...changeThroughOverlay(directory, LOWER, change, options) };
}

const withoutSockets = (lines: string[]) => lines.filter((line) => !line.startsWith('new/socket'));

describe.for(['', 'userxattr,'])('mounted with "%s"', (options) => {
  asRoot('an upper directory as a layer shows what the overlay showed', async (context) => {
    const { directory, lower, upper, seen } = changed(context, options);
    const layer = join(directory, 'layer');
    mkdirSync(layer);
    async function* chunks() {
      yield await collectTar(upper, (fd) => diffEntries(fd));
    }
    await applyLayer(readTar(chunks()), layer, { kind: 'all' });
    const [above, below] = [layer, lower].map((path) => openSync(path, 'r')) as [number, number];
    const archive = await collect(writeTar(treeEntries([above, below])));
    for (const fd of [above, below]) closeSync(fd);
    const ours = join(directory, 'ours');
    mkdirSync(ours);
    execFileSync('tar', ['-xp', '--xattrs', '--xattrs-include=*', '--numeric-owner', '-C', ours], { input: archive });
    expect(fingerprint(ours)).toEqual(withoutSockets(fingerprint(seen)));
  });
});

asRoot('umoci unpacks it to what the overlay showed', async (context) => {
  requires(context, has('umoci'), 'umoci');
  const { directory, lower, upper, seen } = changed(context);
  const layout = join(directory, 'layout');
  const umoci = (...args: readonly string[]) => execFileSync('umoci', args, { stdio: 'pipe' });
  umoci('init', '--layout', layout);
  umoci('new', '--image', `${layout}:a`);
  for (const [path, entries] of [
    [lower, treeEntries],
    [upper, diffEntries],
  ] as const) {
    const archive = join(directory, 'layer.tar');
    writeFileSync(archive, await collectTar(path, (fd) => entries(fd)));
    umoci('raw', 'add-layer', '--image', `${layout}:a`, archive);
  }
  umoci('unpack', '--image', `${layout}:a`, join(directory, 'bundle'));
  // umoci does not restore the times of directories that it removes something from.
  const comparable = (lines: string[]) =>
    withoutSockets(lines).map((line) => (line.includes(' directory') ? line.replace(/ \d+ directory/, '') : line));
  expect(comparable(fingerprint(join(directory, 'bundle/rootfs')))).toEqual(comparable(fingerprint(seen)));
});

asRoot('what is removed comes first in its directory, and the same for everybody', async (context) => {
  const { upper } = changed(context);
  const fd = openSync(upper, 'r');
  const losses = new Losses();
  const entries = [...diffEntries(fd, { losses })];
  closeSync(fd);
  expect(entries.map(({ name }) => name.toString())).toEqual([
    '.wh.gone',
    '.wh.moved',
    'mode',
    'times',
    'dir',
    'dir/.wh.gone',
    'dir/sub',
    'elsewhere',
    'elsewhere/in',
    'emptied',
    'emptied/.wh..wh..opq',
    'etc',
    'etc/group',
    'etc/passwd',
    'new',
    'new/fifo',
    'new/hard',
    'new/soft',
    'new/sub',
    'new/sub/file',
    'replaced',
    'replaced/.wh..wh..opq',
    'replaced/new',
    'same',
    'same/as',
    'typed',
    'typed/.wh..wh..opq',
    'typed/in',
  ]);
  expect(entries[0]).toMatchObject({ type: 'file', mode: 0o600, uid: 0, gid: 0, size: 0, mtimeNs: 0n });
  expect(losses.list()).toEqual(['1 socket left out']);
});

asRoot('the changes are those that docker diff would list, with their kinds', (context) => {
  const { lower, upper } = changed(context);
  const changes = listChanges(upper, [{ path: lower }]);
  expect(changes.map(({ kind, type, path }) => `${kind} ${type} ${path}`)).toEqual([
    'modified directory /dir',
    'deleted file /dir/gone',
    'modified directory /dir/sub',
    'added directory /elsewhere',
    'added file /elsewhere/in',
    'modified directory /emptied',
    'deleted file /emptied/old',
    'modified directory /etc',
    'modified file /etc/passwd',
    'deleted file /gone',
    'modified file /mode',
    'deleted directory /moved',
    'added directory /new',
    'added fifo /new/fifo',
    'added file /new/hard',
    'added socket /new/socket',
    'added symlink /new/soft',
    'added directory /new/sub',
    'added file /new/sub/file',
    'modified directory /replaced',
    'added file /replaced/new',
    'deleted file /replaced/old',
    'modified file /times',
    'modified directory /typed',
    'added file /typed/in',
  ]);
});

asRoot.for([
  ['redirect_dir=on,', 'mv moved elsewhere', 'redirect'],
  ['metacopy=on,redirect_dir=on,', 'chmod 600 mode', 'metacopy'],
])('changes made with %s are no layer', ([options, change, attribute], context) => {
  const { upper } = changed(context, options, change);
  const fd = openSync(upper, 'r');
  try {
    expect(() => [...diffEntries(fd)]).toThrow(`it has the attribute 'trusted.overlay.${attribute}'`);
  } finally {
    closeSync(fd);
  }
});
