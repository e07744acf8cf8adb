/** Layers unpacked without root: with the owners they name where there are subordinate ids, else with one. */
import { execFileSync } from 'node:child_process';
import { chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { debianTree } from '../support/debian-tree.ts';
import { requires } from '../support/requires.ts';
import { SUBORDINATE_UID, type SubordinateOptions } from '../support/subordinate-ids.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { isRoot } from './fixture.ts';
import { imageOfOwners, inScript, layoutOf, OWNED } from './owned-image.ts';

describe.runIf(isRoot)('with subordinate ids', () => {
  test('files have the owners, modes, times and capabilities that their layers give them', async (context) => {
    const paths = OWNED.map((each) => each.split(' ')[0]);
    const answer = await inScript<{ stat: string; notes: string[]; rest: string }>(
      context,
      imageOfOwners(context),
      `
      return {
        stat: await run(['stat', '-c', '%n %u:%g %a', ...${JSON.stringify(paths)}]),
        rest: await sh('stat -c "%Y %h" /srv/deep/first; cat /home/app/closed; ls /home/app', { user: 0 }),
        notes: image.notes,
      };
    `,
    );
    expect(answer.stat.trim().split('\n')).toEqual(OWNED);
    expect(answer.rest).toBe('1000000000 2\nsecretclosed\nlink\n');
    expect(answer.notes).toEqual([]);
  });

  test('a file capability works, in the containers of this user', async (context) => {
    const body = `return sh("/srv/cat /proc/self/status | sed -n 's/^CapEff:[[:space:]]*//p'", { user: 'app' });`;
    expect(await inScript(context, imageOfOwners(context), body)).toBe('0000000000002000\n');
  });

  test('owners beyond them are root, and are named', async (context) => {
    const body = `return { notes: image.notes, stat: await run(['stat', '-c', '%u:%g', '/home/app', '/srv/deep/first']) };`;
    const options = { ranges: 'caisson-test:500000:1000\n' };
    const answer = await inScript<{ notes: string[]; stat: string }>(context, imageOfOwners(context), body, options);
    expect(answer.stat).toBe('1000:0\n0:0\n');
    const owners = '1000:1001 (3), 65536:65536 (1): there are uids 0-1000 and gids 0-1000';
    expect(answer.notes).toEqual([expect.stringContaining(`4 files belong to you instead of ${owners}`)]);
  });
});

describe.runIf(isRoot)('without them', () => {
  const answer = `
    const refused = await run(['id'], { user: 'app' }).catch(({ code, hint }) => [code, hint]);
    return { notes: image.notes.map((note) => note.replace(/^.*?: /, '')), refused, stat: await run(['stat', '-c', '%u:%g', '/srv/deep/first']) };
  `;

  test.for<[string, SubordinateOptions, string]>([
    ['no ranges', { ranges: '' }, '/etc/subuid has no ids for user caisson-test'],
    ['no newuidmap', { hidden: ['/usr/bin/newuidmap'] }, 'newuidmap and newgidmap are not on the PATH'],
    ['a newuidmap that refuses', { setpriv: ['--no-new-privs'] }, "'/usr/bin/newuidmap' maps no ids: newuidmap: "],
  ])(
    'everything belongs to the one user, and whom it should belong to is said: %s',
    async ([, options, why], context) => {
      const { notes, refused, stat } = await inScript<{ notes: string[]; refused: string[]; stat: string }>(
        context,
        imageOfOwners(context),
        answer,
        options,
      );
      expect(notes[0]).toContain(
        `7 files belong to you instead of 1000:1001 (3), 65536:65536 (1), 0:44 (1), 1000:0 (1), 7:8 (1): ${why}`,
      );
      expect(refused).toEqual(['USER_NOT_MAPPED', expect.stringContaining(why)]);
      expect(stat).toBe('0:0\n');
    },
  );

  test('when they come, an image that is there gets its owners', async (context) => {
    const layout = imageOfOwners(context);
    const home = temporaryDirectory(context, 0o755);
    chownSync(home, SUBORDINATE_UID, SUBORDINATE_UID);
    const env = { CAISSON_ROOT: join(home, 'store') };
    const look = `return run(['stat', '-c', '%u:%g', '/srv/deep']);`;
    expect(await inScript(context, layout, look, { ranges: '', env })).toBe('0:0\n');
    expect(await inScript(context, 'owners', look, { env })).toBe('7:8\n');
    expect(await inScript(context, 'owners', look, { ranges: '', env })).toBe('0:0\n');
    const rooms = () => readdirSync(env.CAISSON_ROOT).filter((name) => name.startsWith('layers'));
    expect(rooms().map((room) => readdirSync(join(env.CAISSON_ROOT, room)).length)).toEqual([2, 2]);
    // Pruning leaves those that this user's containers can have now.
    expect(await inScript(context, 'owners', 'return (await Image.prune()).layers;', { env })).toBe(2);
    expect(rooms().map((room) => readdirSync(join(env.CAISSON_ROOT, room)).length)).toEqual([0, 2]);
  });
});

describe.runIf(isRoot)('a Debian tree', () => {
  let tree: string | undefined;
  beforeAll(async () => {
    tree = await debianTree();
  });

  test('loaded without root has the owners and modes that it was packed with', async (context) => {
    requires(context, tree, 'debootstrap');
    const layout = layoutOf(context, tree);
    const print =
      "find / -xdev -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o -printf '%U:%G %m %p\\\\n'";
    const seen = await inScript<string>(
      context,
      layout,
      `return sh(${JSON.stringify(print.replaceAll('\\\\', '\\'))});`,
    );
    const list = execFileSync(
      'find',
      [
        '.',
        '-path',
        './proc',
        '-prune',
        '-o',
        '-path',
        './sys',
        '-prune',
        '-o',
        '-path',
        './dev',
        '-prune',
        '-o',
        '-printf',
        '%U:%G %m /%P\\n',
      ],
      { cwd: tree, encoding: 'utf8' },
    );
    const sorted = (text: string) => text.trim().split('\n').sort();
    const isOurs = (line: string) => / \/(etc\/(hosts|hostname|resolv.conf)|)$/.test(line);
    expect(sorted(seen).filter((line) => !isOurs(line))).toEqual(sorted(list).filter((line) => !isOurs(line)));
    expect(sorted(list).filter((line) => !line.startsWith('0:0')).length).toBeGreaterThan(5);
  });
});
