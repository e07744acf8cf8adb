/** What containers say that they have changed. */
import { Container, Image } from 'caisson';
import { expect, test } from 'vitest';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, privateStore, sh } from './fixture.ts';

privateStore();

test('what a container has added, modified and deleted is listed, with kinds', async (context) => {
  const script =
    'mkdir /d; echo a > /d/f; ln -s f /d/l; echo b >> /etc/passwd; rm /etc/group; rm -r /home; touch -c /bin';
  await using container = await Container.start(busybox(context), { command: sh(script) });
  await container.wait();
  expect(await container.changes()).toEqual([
    { path: '/d', kind: 'added', type: 'directory' },
    { path: '/d/f', kind: 'added', type: 'file' },
    { path: '/d/l', kind: 'added', type: 'symlink' },
    { path: '/etc', kind: 'modified', type: 'directory' },
    { path: '/etc/group', kind: 'deleted', type: 'file' },
    { path: '/etc/passwd', kind: 'modified', type: 'file' },
    { path: '/home', kind: 'deleted', type: 'directory' },
  ]);
});

test('a container that has changed nothing says so, running or not', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '100'] });
  expect(await container.changes()).toEqual([]);
  await container.kill();
  expect(await container.changes()).toEqual([]);
});

test('changes are told from an image that was made of the container, once there is one', async (context) => {
  const add = 'n=$(ls / | grep -c added); echo > /added-$n';
  await using container = await Container.start(busybox(context), { command: sh(add) });
  await container.wait();
  await container.snapshot();
  expect(await container.changes()).toEqual([]);
  await container.start();
  await container.wait();
  expect(await container.changes()).toEqual([{ path: '/added-1', kind: 'added', type: 'file' }]);
});

test.runIf(process.getuid?.() === 0)("changes of this machine's programs are told from them", async () => {
  const change = 'echo a > /usr/bin/added; rm /usr/bin/env; echo b > /opt/b';
  await using container = await Container.start(Image.host(), { command: sh(change) });
  await container.wait();
  const expected = [
    { path: '/opt', kind: 'modified', type: 'directory' },
    { path: '/opt/b', kind: 'added', type: 'file' },
    { path: '/usr', kind: 'modified', type: 'directory' },
    { path: '/usr/bin', kind: 'modified', type: 'directory' },
    { path: '/usr/bin/added', kind: 'added', type: 'file' },
    { path: '/usr/bin/env', kind: 'deleted', type: expect.any(String) },
  ];
  expect(await container.changes()).toEqual(expected);
  await using next = await Container.start(await container.snapshot(), { command: sh('echo c > /usr/bin/added') });
  await next.wait();
  expect((await next.changes()).map(({ path, kind }) => [path, kind])).toEqual([
    ['/usr', 'modified'],
    ['/usr/bin', 'modified'],
    ['/usr/bin/added', 'modified'],
  ]);
});

test('without root, too, changes are listed', async (context) => {
  const { stdout, stderr } = await runUnprivileged(
    context,
    `
      import { Container, Image } from 'caisson';
      const container = await Container.start(Image.host(), { command: ['sh', '-c', 'echo a > /opt/a; rmdir /srv'] });
      await container.wait();
      console.log((await container.changes()).map(({ path, kind }) => kind + ' ' + path).join());
      await container.remove();
    `,
  );
  expect([stdout, stderr]).toEqual(['modified /opt,added /opt/a,deleted /srv\n', '']);
});
