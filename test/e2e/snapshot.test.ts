/** Snapshots of containers: what they hold, what they cost, and that the container goes on. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { describe, expect, test } from 'vitest';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, busyboxCopy, isRoot, privateStore, sh, slowness } from './fixture.ts';

const store = privateStore();

/** Runs a script in a new container to its end; the container is the caller's. */
async function ran(image: Image, script: string): Promise<Container> {
  const container = await Container.start(image, { command: sh(script) });
  expect(await container.wait()).toEqual({ exitCode: 0, signal: null });
  return container;
}

const outputOf = async (image: Image, script: string) => (await Container.run(image, sh(script))).stdout;

const CHANGE =
  'echo new > /new; echo changed > /etc/group; rm /etc/passwd; rm -r /home; mkdir -m 700 /home; ln /new /hard';
const SEE = 'cat /new /etc/group; ls /etc/passwd 2>&1 | wc -l; ls -A /home; stat -c "%a %h" /home /hard';
const SEEN = 'new\nchanged\n1\n700 2\n644 2\n';

describe('a snapshot of a container that has exited', () => {
  test('has all that the container has changed, and the container goes on with its files', async (context) => {
    await using container = await ran(busybox(context), CHANGE);
    const snapshot = await container.snapshot();
    expect(await outputOf(snapshot, SEE)).toBe(SEEN);
    expect(await container.fs.readFile('/new', 'utf8')).toBe('new\n');
    await container.start();
    await container.wait();
    // It ran once more: what it removes was gone.
    expect(container.exitCode).toBe(1);
    expect(await outputOf(await container.snapshot(), SEE)).toBe(SEEN);
  });

  test('is no part of what the container does afterwards, nor of what others of it do', async (context) => {
    await using container = await ran(busybox(context), 'echo $((1 + $(cat /count || echo 0))) > /count');
    const first = await container.snapshot();
    await container.start();
    await container.wait();
    expect(await outputOf(await container.snapshot(), 'cat /count')).toBe('2\n');
    expect(await outputOf(first, 'echo 9 > /count; cat /count')).toBe('9\n');
    expect(await outputOf(first, 'cat /count')).toBe('1\n');
  });

  test('is made within 10 ms, whatever was written', async (context) => {
    const times: number[] = [];
    await using container = await Container.create(busybox(context), {
      command: sh('dd if=/dev/zero of=/big bs=1M count=32 2>/dev/null'),
    });
    for (let round = 0; round < 8; round++) {
      await container.start();
      await container.wait();
      const before = performance.now();
      await container.snapshot();
      times.push(performance.now() - before);
    }
    expect(Math.min(...times)).toBeLessThan(10 * slowness);
  });

  test('can lie on more than a hundred others', async (context) => {
    let image = busybox(context);
    for (let index = 0; index < 120; index++) {
      await using container = await Container.create(image, { command: ['true'] });
      if (index % 40 === 0) await container.fs.writeFile(`/layer-${index}`, String(index));
      image = await container.snapshot();
    }
    expect(await outputOf(image, 'cat /layer-*')).toBe('04080');
  });

  test('runs as its image does, and has its root directory', async (context) => {
    await using container = await ran(busybox(context), 'chmod 1750 /; touch -d @1000000000 /');
    const snapshot = await container.snapshot();
    expect(snapshot.config).toEqual(container.image.config);
    expect(await outputOf(snapshot, 'stat -c %a /')).toBe('1750\n');
  });
});

test('a snapshot of a container that was never started is its image', async (context) => {
  await using container = await Container.create(busybox(context), { command: ['true'] });
  await container.fs.writeFile('/written', 'from outside');
  expect(await outputOf(await container.snapshot(), 'cat /written')).toBe('from outside');
  await container.start();
  expect(await container.wait()).toMatchObject({ exitCode: 0 });
});

describe('a snapshot of a running container', () => {
  test('has all that the container has changed, and the container goes on', async (context) => {
    await using container = await Container.start(busybox(context), { command: sh(`${CHANGE}; echo; exec sleep 100`) });
    for await (const _ of container.stdout) break;
    const snapshot = await container.snapshot();
    expect(await outputOf(snapshot, SEE)).toBe(SEEN);
    await container.exec(sh('echo later > /new'));
    expect(await outputOf(snapshot, 'cat /new')).toBe('new\n');
    expect(container.state).toBe('running');
  });

  test('is of one moment, while processes write without a pause, and they go on', async (context) => {
    const loop = 'i=0; while :; do i=$((i+1)); echo $i > /t; mv /t /a; echo $i > /t; mv /t /b; done';
    const script = `(${loop}) & mkdir /other; cd /other; ${loop.replaceAll('/', '/other/')}`;
    await using container = await Container.start(busybox(context), { command: sh(script) });
    await expect.poll(async () => (await container.exec(['ls', '/b', '/other/b'])).exitCode).toBe(0);
    for (let round = 0; round < 3; round++) {
      const output = await outputOf(await container.snapshot(), 'cat /a /b /other/a /other/b');
      const [a = 0, b = 0, c = 0, d = 0] = output.split('\n').map(Number);
      expect([a - b, c - d].every((ahead) => ahead === 0 || ahead === 1)).toBe(true);
    }
    const read = async () => Number((await container.exec(['cat', '/a'])).stdout);
    const before = await read();
    await expect.poll(read).toBeGreaterThan(before);
  });

  test('leaves a process stopped that stood still before', async (context) => {
    await using container = await Container.start(busybox(context), {
      command: sh('sleep 100 & kill -STOP $!; echo; wait'),
    });
    for await (const _ of container.stdout) break;
    const stateOf = async () => (await container.exec(sh('grep State /proc/2/status'))).stdout;
    await expect.poll(stateOf).toContain('T (stopped)');
    await container.snapshot();
    expect(await stateOf()).toContain('T (stopped)');
  });

  test('can be given up on the way, and the container goes on', async (context) => {
    const script = 'i=0; while [ $i -lt 600 ]; do i=$((i+1)); : > /tmp/$i; done; echo; exec sleep 100';
    await using container = await Container.start(busybox(context), { command: sh(script) });
    for await (const _ of container.stdout) break;
    const before = readdirSync(join(store, 'snapshots')).length;
    const controller = new AbortController();
    const taking = container.snapshot({ signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(taking).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(join(store, 'snapshots'))).toHaveLength(before);
    expect((await container.exec(['echo', 'on'])).stdout).toBe('on\n');
  });

  test('ends with the container when that is removed', async (context) => {
    const script = 'i=0; while [ $i -lt 600 ]; do i=$((i+1)); : > /tmp/$i; done; echo; exec sleep 100';
    const container = await Container.start(busybox(context), { command: sh(script) });
    for await (const _ of container.stdout) break;
    const taking = container.snapshot();
    const outcome = expect(taking).rejects.toMatchObject({ code: 'CONTAINER_REMOVED' });
    await new Promise((resolve) => setImmediate(resolve));
    await container.remove();
    await outcome;
    await expect(container.snapshot()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  });
});

describe('a snapshot of a container of this machine', () => {
  // Others may not write to directories of this machine's root, whose copy the container's would be.
  test.runIf(isRoot)('has what was changed of its programs, also after a second one', async () => {
    await using container = await ran(
      Image.host(),
      'echo "echo mine" > /usr/bin/mine; chmod +x /usr/bin/mine; echo a > /opt/a',
    );
    const first = await container.snapshot();
    expect(await outputOf(first, 'mine; cat /opt/a; ls /usr/bin/env')).toBe('mine\na\n/usr/bin/env\n');
    await using next = await ran(first, 'rm /usr/bin/mine; echo b > /usr/bin/yours');
    const second = await next.snapshot();
    expect(await outputOf(second, 'ls /usr/bin/mine /usr/bin/yours 2>/dev/null; true')).toBe('/usr/bin/yours\n');
    expect(await outputOf(first, 'mine')).toBe('mine\n');
  });
});

test('a snapshot of a container of a directory shows the directory as it is', async (context) => {
  const tree = busyboxCopy(context);
  await using container = await ran(Image.directory(tree), 'echo mine > /mine');
  const snapshot = await container.snapshot();
  writeFileSync(join(tree, 'theirs'), 'theirs\n');
  expect(await outputOf(snapshot, 'cat /mine /theirs')).toBe('mine\ntheirs\n');
});

test('a read-only container can be made a snapshot of', async (context) => {
  await using container = await Container.start(busybox(context), { readOnly: true, command: ['true'] });
  await container.wait();
  expect(await outputOf(await container.snapshot(), 'echo a > /a; cat /a')).toBe('a\n');
});

test('a container whose changes are in memory is refused, with a way out', async (context) => {
  await using container = await Container.start(busybox(context), { upper: 'tmpfs', command: ['sleep', '100'] });
  const refusal = { code: 'CHANGES_IN_MEMORY', message: expect.stringContaining("upper: 'disk'") };
  await expect(container.snapshot()).rejects.toMatchObject(refusal);
  await expect(container.commit()).rejects.toMatchObject(refusal);
  await expect(container.changes()).rejects.toMatchObject(refusal);
  await expect(container.export().toArray()).rejects.toMatchObject(refusal);
});

test('what is mounted into a container is in no snapshot of it', async (context) => {
  const bound = busyboxCopy(context);
  await using container = await Container.start(busybox(context), {
    mounts: [
      { type: 'bind', source: bound, target: '/bound' },
      { type: 'tmpfs', target: '/memory' },
    ],
    command: sh('echo a > /bound/a; echo a > /memory/a; echo a > /dev/shm/a'),
  });
  await container.wait();
  expect(await outputOf(await container.snapshot(), 'ls /bound /memory /dev/shm')).toBe(
    '/bound:\n\n/dev/shm:\n\n/memory:\n',
  );
  expect(readFileSync(join(bound, 'a'), 'utf8')).toBe('a\n');
});

test('a snapshot is found by the name it is given, and listed', async (context) => {
  await using container = await ran(busybox(context), 'echo named > /named');
  const snapshot = await container.snapshot({ reference: 'snapshots/named:1' });
  expect(snapshot.name).toBe('docker.io/snapshots/named:1');
  expect(await outputOf(await Image.get('snapshots/named:1'), 'cat /named')).toBe('named\n');
  expect(await Image.list()).toContainEqual(expect.objectContaining({ references: ['docker.io/snapshots/named:1'] }));
  await snapshot.remove();
  await expect(Image.get('snapshots/named:1')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
});

test.each([
  [{ referense: 'a' }, "unknown option 'referense'; there are reference, pause, signal"],
  [{ pause: 1 }, "option 'pause' must be a boolean, got 1"],
  [{ reference: 'A B' }, 'not a name of an image'],
])('options that cannot be meant are refused: %j', async (options, message) => {
  await using container = await Container.create(Image.host());
  await expect(container.snapshot(options as object)).rejects.toThrow(message);
});

test('without root, too, a container can be made a snapshot of, running or not', async (context) => {
  const { stdout, stderr } = await runUnprivileged(
    context,
    `
      import { Container, Image } from 'caisson';
      const sh = (script) => ['sh', '-c', script];
      const change = 'echo new > /opt/new; rm -r /srv; mkdir -p /srv/new; mkdir -m 0 /opt/closed; echo; exec sleep 100';
      const container = await Container.start(Image.host(), { command: sh(change) });
      for await (const _ of container.stdout) break;
      const see = sh('cat /opt/new; ls /srv; stat -c %a /opt/closed');
      process.stdout.write((await Container.run(await container.snapshot(), see)).stdout);
      await container.stop();
      const stopped = await container.snapshot();
      process.stdout.write((await Container.run(stopped, see)).stdout);
      const again = await Container.run(stopped, ['true']);
      console.log(again.exitCode, (await container.changes()).length);
      await container.remove();
    `,
  );
  expect(stderr).toBe('');
  expect(stdout).toBe('new\nnew\n0\nnew\nnew\n0\n0 0\n');
});
