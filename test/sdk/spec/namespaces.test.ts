/** Which namespaces a container has: decided from its options and what is known of those that it joins. */
import { describe, expect, test } from 'vitest';
import { decideNamespaces, referencesIn, timeOffset, withoutOwn } from '../../../sdk/spec/namespaces.ts';
import type { ContainerOptions } from '../../../sdk/spec/options.ts';

const OWN = { id: 'own'.padEnd(64, '0'), hasUser: true, hasMounts: true };
const HOSTS = { id: 'hosts'.padEnd(64, '0'), hasUser: false, hasMounts: true };
const known = new Map<unknown, typeof OWN>([
  ['own', OWN],
  ['other', { ...OWN, id: 'other' }],
  ['hosts', HOSTS],
]);

const decide = (options: ContainerOptions, hasUser = true) => {
  return decideNamespaces(options, hasUser, (reference) => known.get(reference) as typeof OWN);
};
const types = (options: ContainerOptions, hasUser?: boolean) => decide(options, hasUser).map(({ type }) => type);

describe('a container has of its own', () => {
  test('all but a time namespace, and one of users where it needs it', () => {
    expect(types({})).toEqual(['user', 'mount', 'pid', 'ipc', 'uts', 'cgroup', 'network']);
    expect(types({}, false)).toEqual(['mount', 'pid', 'ipc', 'uts', 'cgroup', 'network']);
  });

  test('a time namespace when its clocks are moved, or when it asks for one', () => {
    expect(types({ timeOffsets: {} })).toContain('time');
    expect(types({ namespaces: { time: 'private' } })).toContain('time');
  });

  test("none that is to be the host's", () => {
    expect(
      types(
        { network: 'host', namespaces: { mount: 'host', pid: 'host', ipc: 'host', uts: 'host', cgroup: 'host' } },
        false,
      ),
    ).toEqual([]);
  });
});

test('a path is joined as it is, in the shape of OCI', () => {
  expect(decide({ network: { path: '/run/netns/a' } }, false).at(-1)).toEqual({
    type: 'network',
    path: '/run/netns/a',
  });
});

test('what is this process’s own anyway is not joined', () => {
  const options = { namespaces: { time: { path: '/own' }, ipc: { path: '/own' } } };
  const own = { namespaces: { time: 'host', ipc: { path: '/own' } } };
  expect(withoutOwn(options, (path) => path === '/own')).toEqual(own);
  expect(withoutOwn(options, () => false)).toBe(options);
});

test('a user namespace by its path is joined, but with nobody else’s', () => {
  const userns = { path: '/proc/1/ns/user' };
  expect(decide({ userns })[0]).toEqual({ type: 'user', ...userns });
  expect(() => decide({ userns, network: { container: 'own' } })).toThrow(
    expect.objectContaining({ code: 'NAMESPACE_CONFLICT' }),
  );
  expect(withoutOwn({ userns }, (_, type) => type === 'user')).toEqual({ userns: 'host' });
});

describe('with a container’s', () => {
  test('it is by that one’s id, and in its user namespace', () => {
    const namespaces = decide({ network: { container: 'own' }, namespaces: { ipc: { container: 'own' } } });
    expect(namespaces.filter(({ container }) => container !== undefined)).toEqual(
      ['user', 'ipc', 'network'].map((type) => ({ type, container: OWN.id })),
    );
  });

  test('it has no time namespace when that one has none', () => {
    const find = () => ({ ...HOSTS, hasTime: false });
    const options = { namespaces: { time: { container: 'hosts' }, ipc: { container: 'hosts' } } };
    const found = decideNamespaces(options, false, find).map(({ type, container }) => [type, container]);
    expect(found).not.toContainEqual(['time', HOSTS.id]);
    expect(found).toContainEqual(['ipc', HOSTS.id]);
  });

  test('it has no user namespace when that one has none', () => {
    expect(types({ network: { container: 'hosts' } })).not.toContain('user');
  });

  test.each<[string, ContainerOptions]>([
    ['ids of its own', { network: { container: 'own' }, userns: { uid: [], gid: [] } }],
    ["the host's", { network: { container: 'own' }, userns: 'host' }],
    ['those of a third', { network: { container: 'own' }, namespaces: { ipc: { container: 'hosts' } } }],
  ])('it cannot have %s', (_, options) => {
    expect(() => decide(options)).toThrow(expect.objectContaining({ code: 'NAMESPACE_CONFLICT' }));
  });
});

test('references are found wherever they may stand, each once', () => {
  const container = { id: 'an-object' };
  const options: ContainerOptions = {
    network: { container },
    namespaces: { pid: { container }, ipc: { container: 'name' }, uts: 'host', mount: { path: '/x' } },
    userns: { container: 'third' },
  };
  expect(referencesIn(options)).toEqual([container, 'name', 'third']);
});

test.each([
  [0, { secs: 0, nanosecs: 0 }],
  [1.5, { secs: 1, nanosecs: 500_000_000 }],
  [-1.5, { secs: -2, nanosecs: 500_000_000 }],
  [-0.25, { secs: -1, nanosecs: 750_000_000 }],
  [0.999_999_999_9, { secs: 1, nanosecs: 0 }],
  [86_400, { secs: 86_400, nanosecs: 0 }],
])('%d seconds are %o', (seconds, offset) => {
  expect(timeOffset(seconds)).toEqual(offset);
});
