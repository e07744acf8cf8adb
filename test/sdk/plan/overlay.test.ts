import { describe, expect, test } from 'vitest';
import { mountRoot, openViews } from '../../../sdk/plan/overlay.ts';
import type { Resolved } from '../../../sdk/spec/normalize.ts';
import type { ContainerOptions } from '../../../sdk/spec/options.ts';
import { callsOf, ROOTLESS, specOf } from './specs.ts';

const root = (options: ContainerOptions, resolved: Partial<Resolved> = {}) =>
  callsOf(mountRoot(specOf(options, resolved)));
const mounted = (calls: readonly string[]) => calls.at(-1);

test('layers are given uppermost first, with places for the changes that are relative', () => {
  expect(root({}, { layers: ['/lowest', '/middle', '/uppermost'] })).toEqual([
    'mount(NULL, "/", NULL, MS_REC|MS_SLAVE, NULL)',
    'chdir("/store/containers/1")',
    'mount("overlay", "/store/containers/1", "overlay", MS_NODEV, "lowerdir=/uppermost:/middle:/lowest,upperdir=upper,workdir=work,redirect_dir=nofollow,metacopy=off,index=off,volatile")',
  ]);
});

test('changes in memory are in a tmpfs that the root then hides', () => {
  expect(root({ upper: 'tmpfs' })).toEqual([
    'mount(NULL, "/", NULL, MS_REC|MS_SLAVE, NULL)',
    'mount("tmpfs", "/store/containers/1", "tmpfs", 0, "mode=700")',
    'chdir("/store/containers/1")',
    'mkdirat(AT_FDCWD, "upper", 0755)',
    'mkdirat(AT_FDCWD, "work", 0755)',
    'mount("overlay", "/store/containers/1", "overlay", MS_NODEV, "lowerdir=/store/layers/1,upperdir=upper,workdir=work,redirect_dir=nofollow,metacopy=off,index=off")',
  ]);
});

test('in a user namespace overlayfs keeps its notes in user xattrs', () => {
  expect(mounted(root({}, { facts: ROOTLESS }))).toMatch(
    /,workdir=work,redirect_dir=nofollow,metacopy=off,index=off,volatile,userxattr"\)$/,
  );
});

describe('layers are given by descriptor', () => {
  const byDescriptor = (layers: readonly string[]) => {
    const calls = root({}, { layers });
    const opened = calls.filter((call) => call.startsWith('openat('));
    const numbered = calls.filter((call) => call.startsWith('dup3(')).map((call) => call.split(', ')[1]);
    return { opened, numbered, mounted: mounted(calls) };
  };

  test.each(['/with:colon', '/with,comma', '/with\\backslash'])('where a path is %s', (layer) => {
    expect(byDescriptor(['/plain', layer])).toEqual({
      opened: [
        'openat(AT_FDCWD, "/plain", O_CLOEXEC|O_PATH|O_DIRECTORY, 0000)',
        `openat(AT_FDCWD, ${JSON.stringify(layer)}, O_CLOEXEC|O_PATH|O_DIRECTORY, 0000)`,
      ],
      numbered: ['100', '101'],
      mounted:
        'mount("overlay", "/store/containers/1", "overlay", MS_NODEV, "lowerdir=/proc/self/fd/101:/proc/self/fd/100,upperdir=upper,workdir=work,redirect_dir=nofollow,metacopy=off,index=off,volatile")',
    });
  });

  test('where there are so many that their paths fill more than a page, and then they fit one', () => {
    const layers = Array.from({ length: 130 }, (_, index) => `/store/layers/${String(index).padStart(64, '0')}`);
    const { opened, numbered, mounted } = byDescriptor(layers);
    expect([opened.length, numbered[0], numbered[129]]).toEqual([130, '100', '229']);
    const options = /, "(lowerdir=.*)"\)$/.exec(mounted ?? '')?.[1] ?? '';
    expect(options).toMatch(/^lowerdir=\/proc\/self\/fd\/229:.*:\/proc\/self\/fd\/100,upperdir=/);
    expect(options.length).toBeLessThanOrEqual(4095);
  });

  test('where bytes, not characters, fill more than the 4095 that mount(2) takes', () => {
    const rest = 'lowerdir=,upperdir=upper,workdir=work,redirect_dir=nofollow,metacopy=off,index=off,volatile'.length;
    const longest = `/${'x'.repeat(4095 - rest - 1)}`;
    expect(byDescriptor([longest]).opened).toHaveLength(0);
    expect(byDescriptor([`${longest}x`]).opened).toHaveLength(1);
    expect(byDescriptor([`${longest.slice(0, -1)}é`]).opened).toHaveLength(1);
  });
});

describe('a view of a directory of the host', () => {
  const views = [
    { source: '/usr', target: '/usr' },
    { source: '/usr/lib', target: '/lib/modules' },
  ];
  const { steps, views: opened } = openViews(specOf({}, { views }));

  test("is an overlay that keeps its changes below the root's own", () => {
    expect(callsOf(steps).slice(0, 5)).toEqual([
      'mkdirat(AT_FDCWD, "views", 0755)',
      'mkdirat(AT_FDCWD, "upper/usr", 0755)',
      'mkdirat(AT_FDCWD, "views/usr", 0755)',
      'mount("overlay", "views/usr", "overlay", MS_NODEV, "lowerdir=/usr,upperdir=upper/usr,workdir=views/usr,redirect_dir=nofollow,metacopy=off,index=off,volatile")',
      'open_tree(AT_FDCWD, "views/usr", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)',
    ]);
    expect(opened.map(({ target, mount }) => [target, mount.name])).toEqual([
      ['/usr', 'view /usr'],
      ['/lib/modules', 'view /lib/modules'],
    ]);
  });

  test('lies beneath what containers changed of it before a snapshot of them was taken', () => {
    const layers = ['/first/usr', '/second/usr'];
    const calls = callsOf(openViews(specOf({}, { views: [{ source: '/usr', target: '/usr', layers }] })).steps);
    expect(calls.find((call) => call.startsWith('mount('))).toContain('"lowerdir=/second/usr:/first/usr:/usr,');
  });

  test('in a directory has the directories above it in the changes, none of them a link by now', () => {
    const made = callsOf(steps).filter((call) => call.includes('lib'));
    expect(made.slice(0, 5)).toEqual([
      'mkdirat(AT_FDCWD, "upper/lib", 0755)',
      expect.stringMatching(/^openat2\(AT_FDCWD, "upper\/lib", .*RESOLVE_NO_SYMLINKS/),
      'mkdirat(AT_FDCWD, "upper/lib/modules", 0755)',
      expect.stringMatching(/^openat2\(AT_FDCWD, "upper\/lib\/modules", .*RESOLVE_NO_SYMLINKS/),
      'mkdirat(AT_FDCWD, "views/lib-modules", 0755)',
    ]);
  });
});
