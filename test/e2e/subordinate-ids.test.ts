/** Containers of a user who has subordinate ids: several users in them, and files that belong to each. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectNothingLeft, traces } from '../support/leftovers.ts';
import { runSubordinate, SUBORDINATE_UID, startSubordinate } from '../support/subordinate-ids.ts';
import { isRoot } from './fixture.ts';
import { imageOfOwners, inScript } from './owned-image.ts';

describe.runIf(isRoot)('with subordinate ids', () => {
  test('a container has the users of its image, with their groups, and others by number', async (context) => {
    const answer = await inScript(
      context,
      imageOfOwners(context),
      `
      const id = 'echo "$(id -u):$(id -g):$(id -G)"';
      const users = ['app', '1000', 'app:logs', '2:44', 65536, 0];
      const ran = [];
      for (const user of users) ran.push((await sh(id, { user })).trim());
      await using container = await Container.start(image, { command: ['sleep', '60'], user: 'daemon' });
      const executed = await container.exec(['sh', '-c', id], { user: 'app' });
      return [...ran, executed.stdout.trim(), (await container.exec(['sh', '-c', id])).stdout.trim()];
    `,
    );
    expect(answer).toEqual([
      '1000:1001:1001 44',
      '1000:1001:1001 44',
      '1000:44:44',
      '2:44:44',
      '65536:0:0',
      '0:0:0',
      '1000:1001:1001 44',
      '2:2:2',
    ]);
  });

  test('a user beyond them is refused, and told which there are', async (context) => {
    const answer = await inScript(
      context,
      imageOfOwners(context),
      `
      const refused = (user) => run(['id'], { user }).catch(({ code, message }) => [code, message]);
      return [await refused(65537), await refused('app:70000')];
    `,
    );
    expect(answer).toEqual([
      ['USER_NOT_MAPPED', expect.stringContaining('user 65537:0: the container has uids 0-65536 and gids 0-65536')],
      ['USER_NOT_MAPPED', expect.stringContaining('user 1000:70000')],
    ]);
  });

  test('a program may become another user, as su and setuid programs do', async (context) => {
    const answer = await inScript(
      context,
      imageOfOwners(context),
      `
      return [await sh('su app -c "id -u; touch /home/app/mine; stat -c %u /home/app/mine"'), await sh('cat /proc/self/setgroups')];
    `,
    );
    expect(answer).toEqual(['1000\n1000\n', 'allow\n']);
  });

  test('a user other than root may open his output again as /dev/stdout', async (context) => {
    const answer = await inScript(
      context,
      imageOfOwners(context),
      `
      await using container = await Container.start(image, { command: ['sleep', '60'] });
      const script = ['sh', '-c', 'echo again > /dev/stdout'];
      return [await run(script, { user: 'app' }), (await container.exec(script, { user: 'app' })).stdout];
    `,
    );
    expect(answer).toEqual(['again\n', 'again\n']);
  });

  test('what users of a container leave, however closed, goes with it', async (context) => {
    const answer = await inScript(
      context,
      imageOfOwners(context),
      `
      const { readdirSync } = await import('node:fs');
      const close = 'mkdir -p /tmp/a/b/c /tmp/d; touch /tmp/a/b/c/file /tmp/d/file; chmod 0 /tmp/a/b/c /tmp/a/b /tmp/a; chmod 1777 /tmp/d';
      for (const user of ['app', 'daemon', 0]) await sh(close, { user });
      await sh('chmod 700 /home/app; touch /srv/deep/new /home/app/new; rm -r /srv/deep/new; chmod 0 /home/app');
      return ['containers', 'tmp'].map((room) => readdirSync(process.env.CAISSON_ROOT + '/' + room));
    `,
    );
    expect(answer).toEqual([[], []]);
  });

  test('a volume that is closed to this user has its size, and parts that are files', async (context) => {
    const answer = await inScript(
      context,
      imageOfOwners(context),
      `
      const { Volume } = await import('caisson');
      const mount = { type: 'volume', source: 'closed', target: '/v' };
      const fill = 'mkdir /v/in; echo part > /v/in/file; head -c 100000 /dev/zero > /v/in/big; chown -R 33:33 /v; chmod 2770 /v /v/in';
      await run(['sh', '-c', fill], { mounts: [mount] });
      const part = (subpath, target) => ({ ...mount, subpath, target });
      const read = await run(['sh', '-c', 'cat /one; ls /all'], { mounts: [part('in/file', '/one'), part('in', '/all')] });
      const missing = await run(['true'], { mounts: [part('in/missing', '/one')] }).catch(({ code }) => code);
      const { sizeBytes } = await (await Volume.get('closed')).inspect();
      const { bytes } = await Volume.prune();
      return { read, missing, sizeBytes, bytes };
    `,
    );
    expect(answer).toMatchObject({ read: 'part\nbig\nfile\n', missing: 'SUBPATH_NOT_FOUND' });
    const { sizeBytes, bytes } = answer as { sizeBytes: number; bytes: number };
    expect(sizeBytes).toBeGreaterThan(100_000);
    expect(bytes).toBeGreaterThanOrEqual(sizeBytes);
  });

  test('what a killed owner leaves of other users is swept by the next one', async (context) => {
    const layout = imageOfOwners(context);
    const script = startSubordinate(
      context,
      `
      import { Container, Image } from 'caisson';
      const image = await Image.load(process.argv[2]);
      const command = ['sh', '-c', 'mkdir -p /tmp/a/b; chmod 0 /tmp/a/b /tmp/a; echo made; sleep 600'];
      const container = await Container.start(image, { command, user: 'app' });
      container.stdout.once('data', () => console.log('ready'));
      void container.exec(['sleep', '600'], { user: 'daemon' }).catch(() => {});
    `,
      { args: [layout] },
    );
    const before = traces();
    await new Promise((resolve) => script.child.stdout?.once('data', resolve));
    expect(readdirSync(join(script.store, 'containers'))).toHaveLength(1);
    script.child.kill('SIGKILL');
    await script.finished;
    await expectNothingLeft(before);
    const next = `import { Container, Image } from 'caisson'; await Container.run(Image.host(), ['true']);`;
    const env = { CAISSON_ROOT: script.store };
    const rooms = () => ['containers', 'tmp'].map((room) => readdirSync(join(script.store, room)).length);
    // Who has not these ids leaves it to who has.
    const without = await runSubordinate(context, next, { env, setpriv: ['--no-new-privs'] });
    expect([without.stderr, rooms()]).toEqual(['', [0, 1]]);
    const withIds = await runSubordinate(context, next, { env });
    expect([withIds.stderr, rooms()]).toEqual(['', [0, 0]]);
  });

  test('what users of a container have closed is in its changes, its archive, its snapshots and its commits', async (context) => {
    const close = [
      'mkdir -p /srv/a/b; echo secret > /srv/a/b/file; ln /srv/a/b/file /srv/a/hard; ln -s target /srv/a/link',
      'chmod 600 /srv/a/hard; chown -R 1000:1001 /srv/a; chmod 700 /srv/a/b /srv/a; chmod 0 /srv/a/b',
    ].join('; ');
    const answer = await inScript<{ changes: string[]; tar: string; looks: string[]; left: string[][] }>(
      context,
      imageOfOwners(context),
      `
      const { execFileSync } = await import('node:child_process');
      const { readdirSync } = await import('node:fs');
      const look = (image) => Container.run(image, ['sh', '-c', 'cd /srv; stat -c "%n %u:%g %a" a a/b a/b/file a/link; cat a/hard']);
      const container = await Container.start(image, { command: ['sleep', '60'] });
      await container.exec(['sh', '-c', ${JSON.stringify(close)}]);
      const changes = (await container.changes()).map(({ path }) => path);
      const chunks = [];
      for await (const chunk of container.export()) chunks.push(chunk);
      const tar = execFileSync('tar', ['-tv', '--numeric-owner'], { input: Buffer.concat(chunks), encoding: 'utf8' });
      const running = await container.snapshot();
      await container.kill();
      const committed = await container.commit({ reference: 'committed:1' });
      await container.remove();
      const looks = [];
      for (const each of [running, committed]) looks.push((await look(each)).stdout);
      await running.remove();
      await Image.prune({ images: 'unused' });
      return { changes, tar, looks, left: ['containers', 'tmp'].map((room) => readdirSync(process.env.CAISSON_ROOT + '/' + room)) };
    `,
    );
    expect(answer.changes).toEqual(['/srv', '/srv/a', '/srv/a/b', '/srv/a/b/file', '/srv/a/hard', '/srv/a/link']);
    const listed = answer.tar.split('\n').filter((line) => line.includes(' srv/a'));
    expect(listed.map((line) => line.split(/\s+/).slice(0, 2).join(' '))).toEqual([
      'drwx------ 1000/1001',
      '-rw------- 1000/1001',
      'lrwxrwxrwx 1000/1001',
      'd--------- 1000/1001',
      'hrw------- 1000/1001',
    ]);
    const look = 'a 1000:1001 700\na/b 1000:1001 0\na/b/file 1000:1001 600\na/link 1000:1001 777\nsecret\n';
    expect(answer.looks).toEqual([look, look]);
    expect(answer.left).toEqual([[], []]);
  });

  test('a terminal belongs to its user, and is of the group of terminals otherwise', async (context) => {
    const answer = await inScript(
      context,
      imageOfOwners(context),
      `
      const read = async (user) => {
        await using container = await Container.start(image, { command: ['sh', '-c', 'stat -Lc %u:%g /proc/self/fd/0 /dev/pts/0'], tty: true, user });
        let text = '';
        for await (const chunk of container.stdout) text += chunk;
        return text.trim().split(/\\s+/);
      };
      return [await read('app'), await sh('grep -o "gid=5" /proc/mounts')];
    `,
    );
    expect(answer).toEqual([['1000:1001', '1000:1001'], 'gid=5\n']);
  });

  test('a plan shows how they are entered', async (context) => {
    const answer = await inScript<string[]>(
      context,
      imageOfOwners(context),
      `return Container.plan(Image.host(), { command: ['true'], user: 1000 }).toString().split('\\n');`,
    );
    expect(answer.filter((line) => /setns\(user namespace, CLONE_NEWUSER\)/.test(line))).toHaveLength(1);
    expect(answer.filter((line) => /setresuid\(1000, 1000, 1000\)/.test(line))).toHaveLength(1);
  });

  test('several ranges, by name and by uid, follow one another', async (context) => {
    const ranges = `caisson-test:500000:1000\nsomebody:1:1000\n${SUBORDINATE_UID}:700000:65000\n`;
    const map = await inScript<string>(context, imageOfOwners(context), `return sh('cat /proc/self/uid_map');`, {
      ranges,
    });
    expect(map.trim().split(/\s+/)).toEqual([
      '0',
      `${SUBORDINATE_UID}`,
      '1',
      '1',
      '500000',
      '1000',
      '1001',
      '700000',
      '65000',
    ]);
  });
});
