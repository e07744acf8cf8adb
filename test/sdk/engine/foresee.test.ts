import { describe, expect, test } from 'vitest';
import { DESCRIBING, decideContainer } from '../../../sdk/engine/decide.ts';
import { foresee } from '../../../sdk/engine/foresee.ts';
import { Image } from '../../../sdk/index.ts';
import type { ContainerOptions } from '../../../sdk/spec/options.ts';
import { describeStore } from '../../../store/index.ts';

const isRoot = process.getuid?.() === 0;
const ID = 'abcdef012345'.padEnd(64, '0');
/** What makes a container of root one whose ids need not be looked for. */
const usual: ContainerOptions = isRoot ? { userns: 'host' } : {};

describe('what is foreseen of a container', () => {
  test.each<ContainerOptions>([
    usual,
    { ...usual, network: 'none', hostname: 'box', tty: true, env: { A: '1' } },
    { ...usual, namespaces: { ipc: 'host', cgroup: 'host' } },
    { ...usual, namespaces: { time: 'private' }, timeOffsets: { boottime: 60 } },
    { namespaces: { uts: 'host' } },
    { network: 'host' },
    { ...usual, namespaces: { mount: 'host' } },
  ])('is what is decided then: %j', (options) => {
    const seen = foresee(options, 'describe');
    if (seen === undefined) throw new Error('nothing was foreseen');
    const asked = { ...options, command: ['true'] };
    const spec = decideContainer(Image.host(), asked, ID, describeStore(), 'describe', DESCRIBING);
    const { namespaces, uidMappings, gidMappings } = spec.linux;
    expect(seen.linux).toEqual({ namespaces, uidMappings, gidMappings });
    expect(spec.mounts.slice(0, seen.mounts.length)).toEqual(seen.mounts);
  });

  test.each<ContainerOptions>([
    { ...usual, network: { container: 'other' } },
    { ...usual, namespaces: { pid: { container: 'other' } } },
    { ...usual, namespaces: { ipc: { path: '/proc/1/ns/ipc' } } },
    { userns: { path: '/proc/self/ns/user' } },
    { userns: { uid: [], gid: [] } },
    { ...usual, detach: true },
  ])('is nothing where something has to be looked up: %j', (options) => {
    expect(foresee(options, 'describe')).toBeUndefined();
  });

  test.runIf(isRoot)("is nothing of a container of root's with a range of ids, which is claimed first", () => {
    expect(foresee({}, 'describe')).toBeUndefined();
  });
});
