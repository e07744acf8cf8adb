/** /etc/hosts, /etc/hostname and /etc/resolv.conf of each container. */
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Container, type ContainerOptions, Image } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { busybox, busyboxCopy, privateStore, sh } from './fixture.ts';

privateStore();

const FILES = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];

/** What a container says, and what it has changed in the end. */
async function outcome(image: Image, options: ContainerOptions) {
  await using container = await Container.create(image, options);
  await container.start();
  const stdout = await text(container.stdout);
  await container.wait();
  return { stdout, changes: await container.changes() };
}

test('a container has its own name in /etc/hostname and, by the loopback, in /etc/hosts', async (context) => {
  const { stdout } = await Container.run(busybox(context), sh('cat /etc/hostname /etc/hosts'), { hostname: 'box' });
  const [name, ...hosts] = stdout.split('\n');
  expect(name).toBe('box');
  expect(hosts).toContain('127.0.0.1\tlocalhost');
  expect(hosts).toContain('127.0.0.1\tbox');
  expect(stdout).not.toContain(hostname());
});

test('a name that nobody gave is in both, too', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '60'] });
  const { stdout } = await container.exec(sh('cat /etc/hostname; grep -c $(hostname) /etc/hosts'));
  expect(stdout).toBe(`${container.id.slice(0, 12)}\n1\n`);
});

test('hosts and nameservers that are asked for are in their files, and servers of this machine are not', async (context) => {
  const options = { hosts: { 'db.example': '192.0.2.7', six: '2001:db8::1' }, dns: ['192.0.2.53'] };
  const { stdout } = await Container.run(busybox(context), sh('cat /etc/hosts; cat /etc/resolv.conf'), options);
  expect(stdout).toContain('192.0.2.7\tdb.example\n2001:db8::1\tsix\n');
  expect(stdout.match(/^nameserver.*$/gm)).toEqual(['nameserver 192.0.2.53']);
});

test('with the network of this machine, it is told of it what this machine is told', async (context) => {
  const { stdout } = await Container.run(busybox(context), ['cat', '/etc/resolv.conf'], { network: 'host' });
  expect(stdout).toBe(readFileSync('/etc/resolv.conf', 'utf8'));
  const { stdout: hosts } = await Container.run(busybox(context), ['cat', '/etc/hosts'], { network: 'host' });
  expect(hosts).toBe(readFileSync('/etc/hosts', 'utf8'));
});

test('the container may write them, and they are none of its changes', async (context) => {
  const script = `for file in ${FILES.join(' ')}; do echo changed > $file && cat $file; done`;
  const found = await outcome(busybox(context), { command: sh(script) });
  expect(found).toEqual({ stdout: 'changed\n'.repeat(3), changes: [] });
});

test('an image without them, and without any place, gets them without a trace', async (context) => {
  const root = busyboxCopy(context);
  for (const name of ['etc', 'dev', 'proc', 'sys']) rmSync(join(root, name), { recursive: true, force: true });
  const options = { command: ['cat', '/etc/hostname'], hostname: 'bare' };
  expect(await outcome(Image.directory(root), options)).toEqual({ stdout: 'bare\n', changes: [] });
});

/** An image with something else at the places of the files. */
function imageWith(context: TestContext, change: (etc: string) => void): Image {
  const root = busyboxCopy(context);
  const etc = join(root, 'etc');
  mkdirSync(etc, { recursive: true });
  for (const file of FILES) rmSync(join(root, file), { recursive: true, force: true });
  change(etc);
  return Image.directory(root);
}

test('a symbolic link in their place is covered, wherever it leads', async (context) => {
  const before = readFileSync('/etc/passwd', 'utf8');
  const links = [
    '../run/systemd/resolve/stub-resolv.conf',
    '/etc/passwd',
    '../../../../../../../../etc/passwd',
    '/proc/1/root/etc/passwd',
    'resolv.conf',
  ];
  for (const target of links) {
    const image = imageWith(context, (etc) => symlinkSync(target, join(etc, 'resolv.conf')));
    const script = 'echo "# mine" > /etc/resolv.conf; cat /etc/resolv.conf; grep -c mine /etc/passwd';
    expect(await outcome(image, { command: sh(script) }), target).toEqual({ stdout: '# mine\n0\n', changes: [] });
  }
  expect(readFileSync('/etc/passwd', 'utf8')).toBe(before);
});

test('where no file can be, what the image has stays', async (context) => {
  const image = imageWith(context, (etc) => mkdirSync(join(etc, 'hosts')));
  const { stdout } = await outcome(image, { command: sh('ls -d /etc/hosts/.; cat /etc/hostname'), hostname: 'box' });
  expect(stdout).toBe('/etc/hosts/.\nbox\n');
});

test('what is mounted at one of their places is what is there', async (context) => {
  const content = '192.0.2.1 only\n';
  const mounts = [{ type: 'file', target: '/etc//hosts', content }] as const;
  expect(await outcome(busybox(context), { command: ['cat', '/etc/hosts'], mounts })).toMatchObject({
    stdout: content,
  });
});

test('a root that is read-only has them, as little to be changed as the rest', async (context) => {
  const command = sh(`for each in ${FILES.join(' ')}; do (echo new >> $each) 2>&1; done; cat /etc/hostname`);
  const { stdout } = await outcome(busybox(context), { command, readOnly: true, hostname: 'box' });
  expect(stdout.match(/Read-only file system/g)).toHaveLength(3);
  expect(stdout).toMatch(/^box$/m);
});

test('who shares the network of another container has that one’s files', async (context) => {
  const options = { command: ['sleep', '60'], hosts: { 'db.example': '192.0.2.7' }, dns: ['192.0.2.53'] };
  await using owner = await Container.start(busybox(context), options);
  await owner.exec(sh('echo 192.0.2.8 added >> /etc/hosts'));
  const { stdout } = await Container.run(busybox(context), sh('cat /etc/hosts /etc/resolv.conf'), {
    network: { container: owner },
  });
  expect(stdout).toContain('192.0.2.7\tdb.example\n192.0.2.8 added\n');
  expect(stdout).toContain(`127.0.0.1\t${owner.id.slice(0, 12)}\n`);
  expect(stdout.match(/^nameserver.*$/gm)).toEqual(['nameserver 192.0.2.53']);
});
