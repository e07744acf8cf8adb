/** Several containers that share namespaces. */
import { readFileSync, readlinkSync } from 'node:fs';
import { CaissonError, Container, Pod, type PodOptions, ready } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { runSubordinate } from '../support/subordinate-ids.ts';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, busyboxTree, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

const SLEEP = ['sleep', '600'];
const FILES = { network: 'net', ipc: 'ipc', pid: 'pid', uts: 'uts', mount: 'mnt', cgroup: 'cgroup' } as const;

function startPod(context: TestContext, options: Partial<PodOptions> = {}): Promise<Pod<'db' | 'web'>> {
  return Pod.start({
    containers: { db: { image: busybox(context), command: SLEEP }, web: { command: SLEEP } },
    ...options,
  });
}

/** The types of namespaces that two containers share. */
function sharedBy(one: Container, other: Container): string[] {
  const link = ({ pid }: Container, file: string) => readlinkSync(`/proc/${pid}/ns/${file}`);
  return Object.entries(FILES).flatMap(([type, file]) => (link(one, file) === link(other, file) ? [type] : []));
}

test('containers share what they are asked to: by default the network and ipc', async (context) => {
  await using pod = await startPod(context);
  expect(sharedBy(pod.containers.db, pod.containers.web)).toEqual(['network', 'ipc']);
  await using all = await startPod(context, { share: ['network', 'ipc', 'pid', 'uts'], hostname: 'together' });
  expect(sharedBy(all.containers.db, all.containers.web)).toEqual(['network', 'ipc', 'pid', 'uts']);
  expect((await all.containers.web.exec(sh('hostname; cat /etc/hostname'))).stdout).toBe('together\ntogether\n');
  expect((await all.containers.web.exec(['ps', '-o', 'comm'])).stdout).toMatch(/^COMMAND\ncaisson-pod\n/);
  await using none = await startPod(context, { share: [] });
  expect(sharedBy(none.containers.db, none.containers.web)).toEqual([]);
});

test('they reach each other by their names', async (context) => {
  await using pod = await startPod(context);
  const server = await pod.containers.db.spawn(sh('echo hello from db | nc -l -p 5000'));
  await expect.poll(async () => (await pod.containers.db.exec(['netstat', '-ltn'])).stdout).toContain(':5000');
  expect((await pod.containers.web.exec(['nc', 'db', '5000'])).stdout).toBe('hello from db\n');
  await server.wait();
  expect((await pod.containers.web.exec(['hostname'])).stdout).toBe('web\n');
});

test('what holds the namespaces is a few KiB, and stays when a container ends', async (context) => {
  await using pod = await startPod(context, { share: ['network', 'ipc', 'pid'] });
  const status = readFileSync(`/proc/${pod.pid}/status`, 'utf8');
  expect(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])).toBeLessThan(256);
  expect(/^CapEff:\s+(\w+)$/m.exec(status)?.[1]).toBe('0000000000000000');
  await pod.containers.db.kill();
  await pod.containers.db.start();
  expect(sharedBy(pod.containers.db, pod.containers.web)).toEqual(['network', 'ipc', 'pid']);
});

test('a container is added, and taken out', async (context) => {
  await using pod = await startPod(context);
  const added = await pod.start('added', busybox(context), { command: SLEEP });
  expect(Object.keys(pod.containers)).toEqual(['db', 'web', 'added']);
  expect(sharedBy(added, pod.containers.web)).toEqual(['network', 'ipc']);
  expect((await added.exec(['cat', '/etc/hosts'])).stdout).toMatch(
    /127\.0\.0\.1\s+db\n127\.0\.0\.1\s+web\n127\.0\.0\.1\s+added\n/,
  );
  await expect(pod.start('added', busybox(context), { command: SLEEP })).rejects.toThrow(
    "the pod has a container 'added' already",
  );
  await added.remove();
});

test('when one does not start, none is left', async (context) => {
  const image = busybox(context);
  const containers = {
    first: { image, command: SLEEP },
    second: { command: ['no-such-command'] },
    third: { command: SLEEP },
  };
  await expect(Pod.start({ containers, name: 'broken' })).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
  // Their names are free again.
  await using pod = await Pod.start({ containers: { first: { image, command: SLEEP } }, name: 'broken' });
  expect(pod.containers.first.name).toBe('broken-first');
});

test('a name is taken from when its container begins to start, and a removal takes along what is starting', async (context) => {
  const pod = await Pod.start({ containers: { first: { image: busybox(context), command: SLEEP } } });
  const [one, same] = await Promise.allSettled(
    ['other', 'other'].map((name) => pod.start(name, undefined, { command: SLEEP })),
  );
  expect([one?.status, same?.status]).toEqual(['fulfilled', 'rejected']);
  const late = pod.start('late', undefined, { command: SLEEP });
  const removing = pod.remove();
  await expect(late).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  await removing;
  expect(await Container.list({ all: true })).toEqual([]);
});

test('stop ends them with grace, the last first; a second removal does nothing', async (context) => {
  const order: string[] = [];
  const ended = { command: sh('trap "exit 0" TERM; echo up; while :; do sleep 0.01; done'), ready: ready.log('up') };
  const pod = await Pod.start({ containers: { a: { image: busybox(context), ...ended }, b: ended } });
  for (const [name, container] of Object.entries(pod.containers)) container.on('exit', () => order.push(name));
  await pod.stop();
  expect(order).toEqual(['b', 'a']);
  expect([pod.containers.a.exitCode, pod.containers.b.exitCode, pod.pid]).toEqual([0, 0, null]);
  await pod.remove();
  await pod.remove();
});

test.each([
  ['no container', { containers: {} }, /at least one container/],
  ['no image', { containers: { db: { command: SLEEP } } }, /containers.db must have an image/],
  ['an unknown option', { containers: { db: {} }, net: 'none' }, /unknown option 'net'/],
  [
    'something that cannot be shared',
    { containers: { db: {} }, share: ['mount'] },
    /'share' must be an array of 'network'/,
  ],
])('%s is refused', async (_, options, message) => {
  const image = { root: () => undefined };
  const containers = Object.fromEntries(
    Object.entries(options.containers).map(([name, each]) => [name, Object.keys(each).length === 0 ? { image } : each]),
  );
  await expect(Pod.start({ ...options, containers } as unknown as PodOptions)).rejects.toThrow(message);
});

test('what the pod decides, its containers cannot', async (context) => {
  const image = busybox(context);
  const start = (options: object) => Pod.start({ containers: { db: { image, command: SLEEP, ...options } } });
  await expect(start({ network: 'host' })).rejects.toThrow("option 'network' of 'db' is the pod's to decide");
  await expect(start({ namespaces: { ipc: 'host' } })).rejects.toThrow("namespaces.ipc of 'db' is the pod's to decide");
  await expect(start({ hostname: 1 })).rejects.not.toBeInstanceOf(CaissonError);
});

const SCRIPT = `
  import { Image, Pod } from 'caisson';
  const image = Image.directory(process.argv[2]);
  const command = ['sleep', '600'];
  await using pod = await Pod.start({ containers: { db: { image, command }, web: { command } }, share: ['network', 'ipc', 'pid', 'uts'] });
  const links = async ({ exec }, container) => (await container.exec(['readlink', ...['net', 'ipc', 'pid', 'uts'].map((each) => '/proc/self/ns/' + each)])).stdout;
  console.log((await links({}, pod.containers.db)) === (await links({}, pod.containers.web)));`;

test.for([['one id', runUnprivileged], ...(isRoot ? [['subordinate ids', runSubordinate] as const] : [])] as const)(
  'a user with %s has pods',
  async ([, run], context) => {
    const result = await run(context, SCRIPT, { args: [busyboxTree(context)] });
    expect(result).toMatchObject({ stdout: 'true\n', stderr: '', exitCode: 0 });
  },
);
