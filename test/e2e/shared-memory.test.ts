/** /dev/shm goes with the IPC namespace: its own, the host's, another container's, a pod's. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, type ContainerOptions, Pod } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { runSubordinate } from '../support/subordinate-ids.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, busyboxTree, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

const SLEEP = ['sleep', '600'];

function start(context: TestContext, options: ContainerOptions = {}): Promise<Container> {
  return Container.start(busybox(context), { command: SLEEP, ...options });
}

async function outputOf(container: Container, script: string): Promise<string> {
  return (await container.exec(sh(script))).stdout;
}

/** Whether what one of them writes can be read and removed by the other, both ways. */
async function isSharedBy(one: Container, other: Container): Promise<boolean> {
  const results: string[] = [];
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    await from.exec(sh('echo shared > /dev/shm/file'));
    results.push(await outputOf(to, 'cat /dev/shm/file; rm -f /dev/shm/file'));
    results.push(await outputOf(from, 'rm /dev/shm/file 2>/dev/null && echo still there'));
  }
  return results.join('') === 'shared\nshared\n';
}

test('it is shared with the IPC namespace of another container, from start to start, and with no other', async (context) => {
  await using first = await start(context);
  await using second = await start(context, { namespaces: { ipc: { container: first } } });
  expect(await isSharedBy(first, second)).toBe(true);
  await second.kill();
  await second.start();
  expect(await isSharedBy(first, second)).toBe(true);
  await using third = await start(context, { namespaces: { ipc: { container: second } } });
  expect(await isSharedBy(first, third)).toBe(true);
  for (const namespaces of [{}, { uts: { container: first } }, { ipc: 'private' as const }]) {
    await using other = await start(context, { namespaces });
    expect(await isSharedBy(first, other)).toBe(false);
  }
});

test('it is shared whatever else is: processes, network, ids', async (context) => {
  await using first = await start(context);
  const container = { container: first };
  for (const options of [
    { namespaces: { ipc: container, pid: container, uts: container }, network: container },
    { namespaces: { ipc: container, pid: 'host' as const } },
    { namespaces: { ipc: container }, init: true, upper: 'tmpfs' as const },
  ]) {
    await using second = await start(context, options);
    expect(await isSharedBy(first, second)).toBe(true);
    await using third = await start(context, { namespaces: { ipc: { container: second } } });
    expect(await isSharedBy(third, first)).toBe(true);
  }
});

test('it can hold no program and no device, and goes with the last who has it', async (context) => {
  await using first = await start(context);
  await using second = await start(context, { namespaces: { ipc: { container: first } } });
  expect(await outputOf(second, 'grep " /dev/shm " /proc/mounts')).toMatch(/ tmpfs rw,nosuid,nodev,noexec,/);
  await second.exec(sh('echo kept > /dev/shm/file'));
  await first.kill();
  expect(await outputOf(second, 'cat /dev/shm/file')).toBe('kept\n');
});

test('what the other has mounted there is what is shared, and one’s own mount covers it for oneself', async (context) => {
  const target = '/dev/shm';
  const directory = temporaryDirectory(context, 0o777);
  writeFileSync(join(directory, 'here'), 'of this machine');
  await using first = await start(context, { mounts: [{ type: 'bind', source: directory, target }] });
  const namespaces = { ipc: { container: first } };
  await using second = await start(context, { namespaces });
  expect(await outputOf(second, 'cat /dev/shm/here')).toBe('of this machine');
  await using third = await start(context, { namespaces, mounts: [{ type: 'tmpfs', target, sizeBytes: 65_536 }] });
  expect(await isSharedBy(first, third)).toBe(false);
  expect(await isSharedBy(first, second)).toBe(true);
});

test('without a /dev/shm of the other it is refused', async (context) => {
  await using first = await start(context, { mounts: [{ type: 'tmpfs', target: '/dev' }] });
  await expect(start(context, { namespaces: { ipc: { container: first } } })).rejects.toMatchObject({
    code: 'BIND_SOURCE_NOT_FOUND',
    message: `there is no '/dev/shm' in container ${first.id} to mount at '/dev/shm'`,
  });
});

test('a link that the other has put in its place is not followed', async (context) => {
  await using first = await start(context, { mounts: [{ type: 'tmpfs', target: '/dev' }] });
  await first.exec(sh('ln -s /etc /dev/shm'));
  const starting = start(context, { namespaces: { ipc: { container: first } } });
  await expect(starting).rejects.toMatchObject({ code: 'BIND_REFUSED', message: expect.stringContaining('ELOOP') });
});

test('with the host’s IPC namespace it is the host’s, and with that of a path one’s own', async (context) => {
  const name = `caisson-test-${process.pid}`;
  const path = join('/dev/shm', name);
  context.onTestFinished(() => rmSync(path, { force: true }));
  await using hosts = await start(context, { namespaces: { ipc: 'host' } });
  await hosts.exec(sh(`echo of the container > ${path}`));
  expect(readFileSync(path, 'utf8')).toBe('of the container\n');
  await using among = await start(context, { namespaces: { mount: 'host' } });
  await using theirs = await start(context, { namespaces: { ipc: { container: among } } });
  expect(await outputOf(theirs, `cat ${path}`)).toBe('of the container\n');
  if (!isRoot) return;
  await using also = await start(context, { namespaces: { ipc: { container: hosts } } });
  expect(await outputOf(also, `cat ${path}`)).toBe('of the container\n');
  await using other = await start(context, { userns: 'host', namespaces: { ipc: { path: '/proc/self/ns/ipc' } } });
  expect(await outputOf(other, 'ls /dev/shm')).toBe('');
});

test('a detached container has it again when its supervisor has started it again', async (context) => {
  await using first = await start(context);
  await using second = await start(context, {
    detach: true,
    restart: 'always',
    namespaces: { ipc: { container: first } },
    command: sh('echo run >> /dev/shm/runs; [ $(wc -l < /dev/shm/runs) = 1 ] && exit 1; exec sleep 600'),
  });
  await expect.poll(() => outputOf(first, 'cat /dev/shm/runs')).toBe('run\nrun\n');
  await expect.poll(() => second.state).toBe('running');
  expect(await isSharedBy(first, second)).toBe(true);
});

test('containers of a pod that share ipc have one, also when one is started again or added', async (context) => {
  const containers = { db: { image: busybox(context), command: SLEEP }, web: { command: SLEEP } };
  await using pod = await Pod.start({ containers });
  const { db, web } = pod.containers;
  await db.exec(sh('echo kept > /dev/shm/kept'));
  expect(await isSharedBy(db, web)).toBe(true);
  await db.kill();
  await db.start();
  const added = await pod.start('added', busybox(context), { command: SLEEP });
  expect(await isSharedBy(added, db)).toBe(true);
  expect(await outputOf(added, 'cat /dev/shm/kept')).toBe('kept\n');
  await using apart = await Pod.start({ containers, share: ['network'] });
  expect(await isSharedBy(apart.containers.db, apart.containers.web)).toBe(false);
});

test('a plan shows where it comes from', async (context) => {
  await using first = await start(context);
  const plan = Container.plan(busybox(context), { command: SLEEP, namespaces: { ipc: { container: first } } });
  expect(String(plan)).toContain(`preparing /dev/shm of container ${first.id} for /dev/shm`);
});

const SCRIPT = `
  import { Container, Image } from 'caisson';
  const image = Image.directory(process.argv[2]);
  const command = ['sleep', '600'];
  await using first = await Container.start(image, { command });
  await using second = await Container.start(image, { command, namespaces: { ipc: { container: first } } });
  await using hosts = await Container.start(image, { command, namespaces: { ipc: 'host' } });
  await first.exec(['sh', '-c', 'echo shared > /dev/shm/file']);
  console.log((await second.exec(['cat', '/dev/shm/file'])).stdout.trim(), (await hosts.exec(['ls', '/dev/shm'])).exitCode);`;

test.for([['one id', runUnprivileged], ...(isRoot ? [['subordinate ids', runSubordinate] as const] : [])] as const)(
  'a user with %s shares it',
  async ([, run], context) => {
    const result = await run(context, SCRIPT, { args: [busyboxTree(context)] });
    expect(result).toMatchObject({ stdout: 'shared 0\n', stderr: '', exitCode: 0 });
  },
);
