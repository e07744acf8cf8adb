/** A container's process is launched while the container is decided: whatever comes of that, nothing of it is left. */
import { Container, type ContainerOptions, Image } from 'caisson';
import { expect, test } from 'vitest';
import { isRoot, privateStore } from './fixture.ts';

privateStore();

/** What makes a container's process one that is launched ahead. */
const AHEAD: ContainerOptions = isRoot ? { userns: 'host' } : {};
const image = Image.host();

const refused: readonly [what: string, options: ContainerOptions, code: string][] = [
  ['a user that is not there', { user: 'somebody-else' }, 'USER_NOT_FOUND'],
  [
    'a source that is not there',
    { mounts: [{ type: 'bind', source: '/no/such', target: '/mnt' }] },
    'BIND_SOURCE_NOT_FOUND',
  ],
  ['a command that is not there', { command: ['no-such-command'] }, 'COMMAND_NOT_FOUND'],
  ['a directory that is not there', { workdir: '/etc/hosts' }, 'WORKDIR_NOT_FOUND'],
];

test.for(refused)('a start with %s fails as one that is decided first', async ([, options, code]) => {
  const asked = { command: ['true'], ...AHEAD, ...options };
  await expect(Container.start(image, asked)).rejects.toMatchObject({ code });
  const { command = [], ...rest } = asked;
  await expect(Container.run(image, command, rest)).rejects.toMatchObject({ code });
  await using created = await Container.create(image, asked);
  await expect(created.start()).rejects.toMatchObject({ code });
});

test('a name that is taken leaves no process', async () => {
  await using first = await Container.start(image, { command: ['sleep', '60'], name: 'taken', ...AHEAD });
  await expect(Container.run(image, ['true'], { name: 'taken', ...AHEAD })).rejects.toMatchObject({
    code: 'NAME_TAKEN',
  });
  expect(first.state).toBe('running');
});

test('a start that is aborted while it is decided leaves no process', async () => {
  const controller = new AbortController();
  const starting = Container.start(image, { command: ['sleep', '60'], signal: controller.signal, ...AHEAD });
  controller.abort(new Error('enough'));
  await expect(starting).rejects.toThrow('enough');
});

test('a container that is removed while it is decided leaves no process', async () => {
  const created = await Container.create(image, { command: ['sleep', '60'], ...AHEAD });
  const starting = created.start();
  await created.remove();
  await expect(starting).rejects.toMatchObject({ code: expect.any(String) });
});

test('a container is started, stopped and started again as any other', async () => {
  await using container = await Container.start(image, { command: ['sleep', '60'], ...AHEAD });
  const { stdout } = await container.exec(['ls', '/sys/class/net']);
  expect(stdout).toBe('lo\n');
  await container.kill();
  await container.start();
  expect(container.state).toBe('running');
});

test('its plan waits for its rest where it is launched ahead, and does not where it is not', () => {
  const plan = (options: ContainerOptions) => Container.plan(image, { command: ['true'], ...options }).toString();
  const waits = 'waiting for the rest of the plan';
  expect(plan(AHEAD)).toContain(waits);
  expect(plan({ ...AHEAD, namespaces: { ipc: { path: '/proc/1/ns/ipc' } } })).not.toContain(waits);
  expect(plan({ ...AHEAD, detach: true })).not.toContain(waits);
});
