/** Ids of a container on this machine: a range of its own, others that are asked for, or none. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Container, type ContainerOptions, Image, type UserNamespaceInfo } from 'caisson';
import { describe, expect, test } from 'vitest';
import { PR_GET_DUMPABLE, prctl } from '../../syscalls/index.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { busybox, busyboxCopy, isRoot, privateStore, sh } from './fixture.ts';

const store = privateStore();
const SLEEP = { command: ['sleep', '60'] } as const;

/** Where a container's ids begin on this machine. */
async function startOf(container: Container): Promise<number> {
  return (await idsOf(container)).uid[0]?.hostID ?? 0;
}

async function idsOf(container: Container): Promise<UserNamespaceInfo> {
  const { userns } = await container.inspect();
  if (userns === null) throw new Error('the container has not been started');
  return userns;
}

function statusLine(name: string): string | undefined {
  return new RegExp(`^${name}:.*$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[0];
}

/** The ids of a process as this machine sees them: real, effective, saved, of files. */
function hostIds(pid: number | null): number[] {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (/^Uid:\s+(.*)$/m.exec(status)?.[1] ?? '').split('\t').map(Number);
}

function capabilitiesOf(pid: number | null): string {
  return /^CapEff:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}

describe.runIf(isRoot)('as root, a container has a range of ids of its own', () => {
  test('in which its root is an ordinary user of this machine', async (context) => {
    await using container = await Container.start(busybox(context), SLEEP);
    const ids = await idsOf(container);
    expect(ids).toEqual({
      mode: 'auto',
      uid: [expect.objectContaining({ containerID: 0, size: 65_536 })],
      gid: ids.uid,
    });
    const start = await startOf(container);
    expect(start).toBeGreaterThanOrEqual(0x7000_0000);
    expect(hostIds(container.pid)).toEqual([start, start, start, start]);
    expect((await container.exec(['cat', '/proc/self/uid_map'])).stdout.trim().split(/\s+/).map(Number)).toEqual([
      0,
      start,
      65_536,
    ]);
    // It has those of its user namespace, and no other process of the machine is in that.
    expect(capabilitiesOf(container.pid)).not.toBe('0000000000000000');
    expect(readFileSync(`/proc/${container.pid}/setgroups`, 'utf8')).toBe('allow\n');
  });

  test('and no other container has the same at the same time', async (context) => {
    const image = busybox(context);
    const containers = await Promise.all(Array.from({ length: 5 }, () => Container.start(image, SLEEP)));
    const starts = await Promise.all(containers.map(startOf));
    expect(new Set(starts).size).toBe(5);
    await Promise.all(containers.map((container) => container.remove()));
    await using next = await Container.start(image, SLEEP);
    expect(starts).toContain(await startOf(next));
  });

  test('also while a container of another process runs', async (context) => {
    await using container = await Container.start(busybox(context), SLEEP);
    const held = readdirSync(join(store, 'locks')).filter((name) => name.startsWith('ids-'));
    expect(held).toContain(`ids-${await startOf(container)}.lock`);
    const lock = join(store, 'locks', `ids-${await startOf(container)}.lock`);
    expect(() => execFileSync('flock', ['--nonblock', '--exclusive', lock, 'true'])).toThrow();
  });

  test('and every user from 0 to 65535, and none beyond', async (context) => {
    const image = busybox(context);
    await using container = await Container.start(image, { ...SLEEP, user: 65_535 });
    const start = await startOf(container);
    expect(hostIds(container.pid)).toEqual(Array(4).fill(start + 65_535));
    expect((await container.exec(['id', '-u'], { user: '7:8' })).stdout).toBe('7\n');
    await expect(container.exec(['true'], { user: '0:65536' })).rejects.toMatchObject({
      code: 'USER_NOT_MAPPED',
      hint: expect.stringContaining("userns: 'host'"),
    });
  });

  test('and on the disk, all that it makes and changes belongs to the ids that it sees', async (context) => {
    const root = busyboxCopy(context);
    writeFileSync(join(root, 'mine'), '');
    chownSync(join(root, 'mine'), 1000, 1001);
    mkdirSync(join(root, 'full'));
    writeFileSync(join(root, 'full/file'), '');
    await using container = await Container.start(Image.directory(root), SLEEP);
    const script = `stat -c '%u:%g' /mine / /bin/busybox
      echo more >> /mine; mkdir /made; touch /made/file; chown 33:44 /made/file; chmod 4755 /made/file; rm -r /full; mkdir /full`;
    expect((await container.exec(sh(script))).stdout.trim().split('\n')).toEqual(['1000:1001', '0:0', '0:0']);
    const { paths } = await container.inspect();
    const onDisk = ['', 'mine', 'made', 'made/file', 'full'].map((name) => lstatSync(join(paths.changes, name)));
    expect(onDisk.map(({ uid, gid }) => [uid, gid])).toEqual([
      [0, 0],
      [1000, 1001],
      [0, 0],
      [33, 44],
      [0, 0],
    ]);
    expect((onDisk[3]?.mode ?? 0) & 0o7777).toBe(0o4755);
    expect(statSync(join(root, 'mine')).size).toBe(0);
    // By calls from outside it is the same.
    await container.fs.writeFile('/made/other', 'x');
    await container.fs.chown('/made/other', 5, 6);
    expect(await container.fs.stat('/made/other')).toMatchObject({ uid: 5, gid: 6 });
    expect(lstatSync(join(paths.changes, 'made/other'))).toMatchObject({ uid: 5, gid: 6 });
  });

  test('and starts again with its files, whatever range it gets then', async (context) => {
    const image = busybox(context);
    const command = sh('id -u; stat -c %u /file; touch /file; chown 9 /file; sleep 60');
    await using container = await Container.create(image, { command });
    const starts: number[] = [];
    for (const others of [[], [image]]) {
      const running = await Promise.all(others.map((each) => Container.start(each, SLEEP)));
      await container.start();
      await container.exec(sh('until [ "$(stat -c %u /file)" = 9 ]; do :; done'));
      starts.push(await startOf(container));
      await container.kill();
      await container.wait();
      await Promise.all(running.map((each) => each.remove()));
    }
    expect(await container.fs.stat('/file')).toMatchObject({ uid: 9, gid: 0 });
    expect(new Set(starts).size).toBe(2);
  });

  test('and what root of this machine keeps from everybody is kept from it', async (context) => {
    const directory = temporaryDirectory(context, 0o755);
    writeFileSync(join(directory, 'secret'), 'secret');
    chmodSync(join(directory, 'secret'), 0o600);
    writeFileSync(join(directory, 'open'), 'open');
    const bind = { type: 'bind', source: directory, target: '/host', idmap: false } as const;
    await using container = await Container.start(busybox(context), { ...SLEEP, mounts: [bind] });
    const script = 'cat /host/open; stat -c %u:%g /host/secret; cat /host/secret; chown 0 /host/open; touch /host/new';
    const { stdout, stderr } = await container.exec(sh(script));
    expect(stdout).toBe('open65534:65534\n');
    expect(stderr.trim().split('\n').length).toBe(3);
    expect(readdirSync(directory).toSorted()).toEqual(['open', 'secret']);
    // Also where a process of the machine's has left it open.
    expect((await container.exec(sh('cat /proc/1/root/host/secret; ls /proc/1/fd'))).stdout).not.toContain('secret');
  });

  test('and what is bound belongs to whom it belongs here, both ways', async (context) => {
    const directory = temporaryDirectory(context, 0o755);
    writeFileSync(join(directory, 'file'), '');
    chownSync(join(directory, 'file'), 5, 6);
    const bind = { type: 'bind', source: directory, target: '/host' } as const;
    const script = 'stat -c %u:%g /host /host/file; touch /host/new; chown 7:8 /host/new; echo x > /host/by-root';
    const { stdout } = await Container.run(busybox(context), sh(script), { mounts: [bind] });
    expect(stdout).toBe('0:0\n5:6\n');
    const found = ['new', 'by-root'].map((name) => lstatSync(join(directory, name)));
    expect(found.map(({ uid, gid }) => [uid, gid])).toEqual([
      [7, 8],
      [0, 0],
    ]);
  });

  test('and its users may open their output again', async (context) => {
    const image = busybox(context);
    for (const user of [0, 5]) {
      expect((await Container.run(image, sh('echo again > /dev/stdout'), { user })).stdout).toBe('again\n');
    }
    await using container = await Container.start(image, SLEEP);
    expect((await container.exec(sh('echo again > /dev/stderr'), { user: 5 })).stderr).toBe('again\n');
  });

  test('and devices that are asked for are its root’s, though they are closed to others on this machine', async (context) => {
    const devices = [{ path: '/dev/null', target: '/dev/private', mode: 0o600 }];
    const script = 'stat -c "%F %a %u:%g" /dev/private; echo x > /dev/private && cat /dev/private && echo opened';
    const { stdout } = await Container.run(busybox(context), sh(script), { devices });
    expect(stdout).toBe('character special file 600 0:0\nopened\n');
    expect((await Container.run(busybox(context), sh('echo x > /dev/private'), { devices, user: 5 })).exitCode).toBe(1);
  });

  test('and who joins it has the same, with files of its own', async (context) => {
    const image = busybox(context);
    await using container = await Container.start(image, SLEEP);
    const network = { container } as const;
    await using joined = await Container.start(image, { ...SLEEP, network });
    expect(await idsOf(joined)).toMatchObject({ mode: 'container', uid: (await idsOf(container)).uid });
    expect(hostIds(joined.pid)).toEqual(hostIds(container.pid));
    expect((await joined.exec(sh('touch /file; chown 3:4 /file; stat -c %u:%g /file'))).stdout).toBe('3:4\n');
    const { paths } = await joined.inspect();
    expect(lstatSync(join(paths.changes, 'file'))).toMatchObject({ uid: 3, gid: 4 });
  });

  test('and this process stays as it was', async (context) => {
    const before = ['NoNewPrivs', 'CapEff', 'CapInh', 'CapAmb', 'Uid', 'Groups'].map(statusLine);
    const wasDumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    expect((await Container.run(busybox(context), ['id', '-u'])).stdout).toBe('0\n');
    expect(['NoNewPrivs', 'CapEff', 'CapInh', 'CapAmb', 'Uid', 'Groups'].map(statusLine)).toEqual(before);
    expect([wasDumpable, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)]).toEqual([1, 1]);
  });

  test('and it may keep its changes in memory', async (context) => {
    const script = 'touch /file; chown 3:4 /file; stat -c %u:%g /file /';
    const { stdout } = await Container.run(busybox(context), sh(script), { upper: 'tmpfs' });
    expect(stdout).toBe('3:4\n0:0\n');
  });
});

describe.runIf(isRoot)('as root, a container has the ids of this machine', () => {
  test.each<[string, ContainerOptions, RegExp | undefined]>([
    ['when it is asked for', { userns: 'host' }, undefined],
    ["when its network is this machine's", { network: 'host' }, /^its network is the host's$/],
    [
      'when something is bound that the kernel cannot show with others',
      { mounts: [{ type: 'bind', source: '/proc/version', target: '/version' }] },
      /^'\/proc\/version' cannot be shown with other ids: EINVAL/,
    ],
  ])('%s, and says so', async (_, options, reason) => {
    await using container = await Container.start(Image.host(), { ...SLEEP, ...options });
    const ids = await idsOf(container);
    expect(ids).toMatchObject({ mode: 'host', uid: [], gid: [] });
    expect(ids.reason ?? '').toMatch(reason ?? /^$/);
    expect(hostIds(container.pid)).toEqual([0, 0, 0, 0]);
  });
});

describe.runIf(isRoot)('as root, a container may have the ids that are asked for', () => {
  const map = (...ranges: [containerID: number, hostID: number, size: number][]) =>
    ranges.map(([containerID, hostID, size]) => ({ containerID, hostID, size }));

  test('also in pieces, and its files belong to them', async (context) => {
    const userns = { uid: map([0, 300_000, 10], [10, 5_000_000, 65_526]), gid: map([0, 400_000, 65_536]) };
    await using container = await Container.start(busybox(context), { ...SLEEP, user: 12, userns });
    expect(await idsOf(container)).toEqual({ mode: 'maps', ...userns });
    expect(hostIds(container.pid)[0]).toBe(5_000_002);
    await container.exec(sh('touch /file; chown 12:13 /file'), { user: 0 });
    const { paths } = await container.inspect();
    expect(lstatSync(join(paths.changes, 'file'))).toMatchObject({ uid: 12, gid: 13 });
  });

  test('also a single one that is nobody else’s, with its groups', async (context) => {
    const userns = { uid: map([0, 100_000, 1]), gid: map([0, 100_000, 1]) };
    await using container = await Container.start(busybox(context), { ...SLEEP, userns });
    expect(await idsOf(container)).toEqual({ mode: 'maps', ...userns });
    expect(hostIds(container.pid)).toEqual(Array(4).fill(100_000));
    expect((await container.exec(sh('id; touch /file; stat -c %u:%g /file'))).stdout).toBe(
      'uid=0(root) gid=0(root) groups=0(root)\n0:0\n',
    );
    await expect(container.exec(['true'], { user: 1 })).rejects.toMatchObject({
      code: 'USER_NOT_MAPPED',
      hint: "map more with option 'userns'",
    });
  });

  test("also root of this machine's", async (context) => {
    const userns = { uid: map([0, 300_000, 5], [5, 0, 1]), gid: map([0, 0, 10]) };
    const { stdout } = await Container.run(busybox(context), sh('touch /file; chown 5 /file; stat -c %u:%g /file /'), {
      userns,
    });
    expect(stdout).toBe('5:0\n0:0\n');
  });

  test('unless they make no sense', async (context) => {
    const start = (uid: ReturnType<typeof map>) =>
      Container.run(busybox(context), ['true'], { userns: { uid, gid: map([0, 1, 1]) } });
    await expect(start(map([0, 4_294_967_295, 1]))).rejects.toMatchObject({ code: 'ID_MAP_INVALID' });
    await expect(start(map([0, 1, 5], [3, 10, 1]))).rejects.toMatchObject({ code: 'ID_MAP_INVALID' });
    await expect(start(map([1, 1, 5]))).rejects.toMatchObject({ code: 'ID_MAP_INVALID' });
  });
});

describe.runIf(!isRoot)('an ordinary user', () => {
  test("cannot have this machine's ids for his containers", async (context) => {
    await expect(Container.run(busybox(context), ['true'], { userns: 'host' })).rejects.toMatchObject({
      code: 'USERNS_NEEDS_ROOT',
      message: expect.stringContaining(`user ${process.geteuid?.()}`),
    });
  });

  test('may map the one id that is his, and none that is not', async (context) => {
    const [uid = 0, gid = 0] = [process.geteuid?.(), process.getegid?.()];
    const run = (hostID: number) => {
      const own = [{ containerID: 0, hostID: gid, size: 1 }];
      const userns = { uid: [{ containerID: 0, hostID, size: 1 }], gid: own };
      return Container.run(busybox(context), ['cat', '/proc/self/uid_map'], { userns });
    };
    expect((await run(uid)).stdout.trim().split(/\s+/).map(Number)).toEqual([0, uid, 1]);
    await expect(run(uid + 1)).rejects.toMatchObject({ code: 'ID_NOT_PERMITTED' });
    await expect(run(0)).rejects.toMatchObject({ code: 'ID_NOT_PERMITTED' });
  });
});
