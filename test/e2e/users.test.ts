import { Container, type ExecOptions } from 'caisson';
import { describe, expect, test } from 'vitest';
import { busybox, hasUsers, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

const SLEEP = { command: ['sleep', '60'] } as const;
const CAROL = '\ncarol:x:1007:1007::/home/carol:/bin/sh\n';

describe.runIf(hasUsers)('who a container’s user is, its own files say', () => {
  test('as they were changed before it was started', async (context) => {
    await using container = await Container.create(busybox(context), { ...SLEEP, user: 'carol:crew' });
    await expect(container.start()).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
    await container.fs.appendFile('/etc/passwd', CAROL);
    await expect(container.start()).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
    await container.fs.appendFile('/etc/group', '\ncrew:x:77:\n');
    await container.start();
    expect((await container.exec(sh('id -u; id -G'))).stdout).toBe('1007\n77\n');
  });

  test('as the run before has left them', async (context) => {
    await using container = await Container.create(busybox(context), {
      command: sh('grep -q ^carol: /etc/passwd && exit 0; echo carol:x:1007:1007::/:/bin/sh >> /etc/passwd; exit 1'),
      user: 'root',
    });
    for (const exitCode of [1, 0]) {
      await container.start();
      expect((await container.wait()).exitCode).toBe(exitCode);
    }
    await container.fs.writeFile('/etc/passwd', 'other:x:7:7::/:/bin/sh\n');
    await expect(container.start()).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
  });

  test('also of a detached one, and of none any more when they are removed', async (context) => {
    await using container = await Container.create(busybox(context), { ...SLEEP, user: 'carol', detach: true });
    await container.fs.appendFile('/etc/passwd', CAROL);
    await container.start();
    expect((await container.exec(['id', '-u'])).stdout).toBe('1007\n');
    await container.kill();
    await container.wait();
    await container.fs.rm('/etc/passwd');
    await expect(container.start()).rejects.toMatchObject({
      code: 'USER_NOT_FOUND',
      message: expect.stringContaining('it has none'),
    });
  });
});

describe.runIf(hasUsers)('groups that are asked for', () => {
  test('are had besides those of /etc/group', async (context) => {
    await using container = await Container.create(busybox(context), { ...SLEEP, user: 'carol', groups: ['crew', 44] });
    await container.fs.appendFile('/etc/passwd', CAROL);
    await container.fs.appendFile('/etc/group', '\ncrew:x:77:\nown:x:78:carol\n');
    await container.start();
    const ids = async (options: ExecOptions) => (await container.exec(['id', '-G'], options)).stdout;
    expect(await ids({})).toBe('1007 44 77 78\n');
    expect(await ids({ groups: [45] })).toBe('1007 44 45 77 78\n');
    expect(await ids({ user: '0:0', groups: ['crew'] })).toBe('0 77\n');
    expect(await ids({ user: 'carol' })).toBe('1007 78\n');
    await expect(ids({ groups: ['missing'] })).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' });
  });
});

test.runIf(!hasUsers)('with one id there are no groups to be in', async (context) => {
  await expect(Container.run(busybox(context), ['true'], { groups: [44] })).rejects.toMatchObject({
    code: 'USER_NOT_MAPPED',
  });
});

describe.runIf(isRoot)('users beyond the ids of a range', () => {
  test.for([
    [1_000_650_000, 'user 1000650000', '1000650000\n'],
    ['7:70000', 'group 70000', '7\n'],
  ])('%s has the ids of this machine, and the container says why', async ([user, what, uid], context) => {
    await using container = await Container.start(busybox(context), { command: ['sleep', '60'], user });
    expect(container.inspect().userns).toMatchObject({
      mode: 'host',
      reason: `its ${what} is not among the 65536 ids of a range`,
    });
    expect((await container.exec(['id', '-u'])).stdout).toBe(uid);
  });
});
