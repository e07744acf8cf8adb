/** Options about namespaces that cannot be meant. */
import { expect, test } from 'vitest';
import { checkContainerOptions } from '../../../sdk/spec/check.ts';

test.each([
  [{ network: 'none' }],
  [{ network: { container: 'db' } }],
  [{ network: { container: { id: 'x' } } }],
  [{ network: { path: '/run/netns/a' }, propagation: 'shared' }],
  [
    {
      namespaces: {
        mount: 'host',
        pid: { path: '/proc/1/ns/pid' },
        ipc: 'private',
        uts: { container: 'a' },
        time: 'private',
      },
    },
  ],
  [{ timeOffsets: { monotonic: -1.5, boottime: 1e9 } }],
  [{ timeOffsets: { boottime: 1 }, namespaces: { time: 'private' } }],
  [{ hostname: 'x', namespaces: { uts: 'private' } }],
  [{ readOnly: false, namespaces: { mount: 'host' } }],
  [{ detach: true, namespaces: { pid: 'host' } }],
])('%j is in order', (options) => {
  expect(() => checkContainerOptions(options)).not.toThrow();
});

test.each([
  [{ network: 'private' }, /'network' must be 'none' or 'host' or \{ container \} or \{ path \}, got "private"/],
  [{ network: {} }, /'network' must be/],
  [{ network: { container: 'a', path: '/b' } }, /'network' must be/],
  [{ network: { container: '' } }, /'network' must be a container, its name or its id/],
  [{ network: { container: {} } }, /'network' must be a container, its name or its id/],
  [{ network: { path: '' } }, /'network' must be/],
  [{ network: { path: 'a\0b' } }, /NUL/],
  [{ namespaces: { pid: 'none' } }, /namespaces.pid must be 'private' or 'host'/],
  [{ namespaces: { net: 'host' } }, /unknown namespaces.net; there are mount, pid, ipc, uts, cgroup, time/],
  [{ namespaces: 'host' }, /'namespaces' must be an object/],
  [{ timeOffsets: { realtime: 1 } }, /unknown timeOffsets.realtime/],
  [{ timeOffsets: { boottime: Number.NaN } }, /timeOffsets.boottime must be a number of seconds/],
  [{ timeOffsets: { boottime: 1e10 } }, /timeOffsets.boottime must be a number of seconds/],
  [
    { timeOffsets: { boottime: 1 }, namespaces: { time: 'host' } },
    /'timeOffsets' takes a time namespace of the container's own, but namespaces.time is "host"/,
  ],
  [{ hostname: 'x', namespaces: { uts: 'host' } }, /'hostname' takes a uts namespace/],
  [{ mounts: [], namespaces: { mount: 'host' } }, /'mounts' takes a mount namespace/],
  [{ readOnly: true, namespaces: { mount: { container: 'a' } } }, /'readOnly' takes a mount namespace/],
  [{ upper: 'tmpfs', namespaces: { mount: { path: '/a' } } }, /'upper' takes a mount namespace/],
  [{ propagation: 'both' }, /'propagation' must be 'private' or 'slave' or 'shared' or 'unchanged'/],
])('%j is refused', (options, message) => {
  expect(() => checkContainerOptions(options)).toThrow(TypeError);
  expect(() => checkContainerOptions(options)).toThrow(message);
});
