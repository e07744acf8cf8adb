/** Images made of containers: read by other tools, run here again. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { describe, expect, inject, type TestContext, test } from 'vitest';
import { fingerprint } from '../store/support/fingerprint.ts';
import { has } from '../store/support/programs.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, busyboxTree, isRoot, privateStore, sh } from './fixture.ts';

const store = privateStore();

async function ran(image: Image, script: string): Promise<Container> {
  const container = await Container.start(image, { command: sh(script) });
  expect(await container.wait()).toEqual({ exitCode: 0, signal: null });
  return container;
}

const outputOf = async (image: Image, script: string) => (await Container.run(image, sh(script))).stdout;

/** The image of umoci's, with two layers and a configuration. */
async function loaded(context: TestContext): Promise<Image> {
  const { layout } = inject('images');
  requires(context, layout, 'umoci');
  return Image.load(layout, { reference: 'caisson-test/base' });
}

const blobs = () => readdirSync(join(store, 'blobs/sha256')).sort();
const readBlob = (digest: string) => JSON.parse(readFileSync(join(store, 'blobs/sha256', digest.slice(7)), 'utf8'));

describe('an image of a container', () => {
  test('has its changes as a layer upon those of its image, and runs', async (context) => {
    const base = await loaded(context);
    await using container = await ran(base, 'echo committed > added; rm kept; rm -r replaced; mkdir replaced');
    const image = await container.commit({ reference: 'caisson-test/committed:1' });
    expect(await outputOf(image, 'cat added; ls -A . replaced')).toBe(
      'committed\n.:\nadded\nchanged\nreplaced\n\nreplaced:\n',
    );
    const [before, after] = [base, image].map(({ digest }) => readBlob(digest as string).layers);
    expect(after.slice(0, -1)).toEqual(before);
    expect(after).toHaveLength(before.length + 1);
    expect((await Image.get('caisson-test/committed:1')).digest).toBe(image.digest);
    expect(await outputOf(base, 'cat added')).toBe('layer 2\n');
  });

  test('says what was asked for, and for the rest what its image said', async (context) => {
    await using container = await ran(await loaded(context), 'true');
    const image = await container.commit({
      message: 'why',
      author: 'who',
      config: {
        env: { ADDED: 'a=b', GREETING: undefined },
        entrypoint: ['/bin/sh', '-c'],
        command: ['echo "$ADDED" $PWD $(id -u)'],
        user: 'app',
        labels: { 'org.example': 'label' },
        exposedPorts: ['80/tcp'],
        volumes: ['/volume'],
        stopSignal: 'SIGINT',
      },
    });
    expect(image.config).toEqual({
      Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'ADDED=a=b'],
      Entrypoint: ['/bin/sh', '-c'],
      Cmd: ['echo "$ADDED" $PWD $(id -u)'],
      User: 'app',
      WorkingDir: '/data',
      Labels: { 'org.example': 'label' },
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/volume': {} },
      StopSignal: 'SIGINT',
    });
    expect(readBlob(readBlob(image.digest as string).config.digest)).toMatchObject({ author: 'who' });
    expect((await image.history())[0]).toMatchObject({ createdBy: 'sh -c true', comment: 'why', author: 'who' });
  });

  test('of a running container is made while its processes stand still', async (context) => {
    await using container = await Container.start(busybox(context), {
      command: sh('echo a > /a; echo; exec sleep 100'),
    });
    for await (const _ of container.stdout) break;
    const image = await container.commit();
    expect(await outputOf(image, 'cat /a')).toBe('a\n');
    expect((await container.exec(['cat', '/a'])).stdout).toBe('a\n');
  });

  test('of a container of a directory has the directory as its lowest layer', async (context) => {
    await using container = await ran(busybox(context), 'echo a > /a');
    const image = await container.commit({ reference: 'caisson-test/directory' });
    expect(readBlob(image.digest as string).layers).toHaveLength(2);
    expect(await outputOf(image, 'cat /a; head -1 /etc/passwd')).toBe('a\nroot:x:0:0:root:/root:/bin/sh\n');
  });

  test('lets the container go on with its files, and be made an image of again', async (context) => {
    await using container = await ran(busybox(context), 'echo $((1 + $(cat /count || echo 0))) > /count');
    const first = await container.commit();
    await container.start();
    await container.wait();
    const second = await container.commit();
    expect([await outputOf(first, 'cat /count'), await outputOf(second, 'cat /count')]).toEqual(['1\n', '2\n']);
  });

  test.runIf(isRoot)('is unpacked by umoci, from the store itself, as the container had it', async (context) => {
    requires(context, has('umoci') && has('skopeo'), 'umoci and skopeo');
    const base = await loaded(context);
    const script = `
      mkdir -p deep/er; echo text > deep/er/file; ln deep/er/file hard; ln -s deep/er/file soft; mkfifo fifo
      chown 1000:50 deep/er; chmod 4755 deep/er/file; touch -d @1234567890 deep; rm kept; rm -r replaced
      dd if=/dev/zero of=sparse bs=1 count=1 seek=5000000 2>/dev/null
    `;
    await using container = await Container.start(base, { command: sh(script) });
    await container.wait();
    const directory = temporaryDirectory(context);
    const seen = join(directory, 'seen');
    mkdirSync(seen);
    execFileSync('tar', ['--xattrs', '--numeric-owner', '-xf', '-', '-C', seen], {
      input: Buffer.concat(await container.export().toArray()),
    });
    await container.commit({ reference: 'caisson-test/all:1' });
    const copy = join(directory, 'copy');
    const from = `oci:${store}:docker.io/caisson-test/all:1`;
    execFileSync('skopeo', ['--insecure-policy', 'copy', '--quiet', from, `oci:${copy}:all`]);
    execFileSync('umoci', ['raw', 'unpack', '--image', `${copy}:all`, join(directory, 'unpacked')], { stdio: 'pipe' });
    const unpacked = fingerprint(join(directory, 'unpacked'));
    expect(unpacked.find((line) => line.includes('data/hard'))).toContain('4755');
    expect(unpacked).toEqual(fingerprint(seen));
  });
});

test('SOURCE_DATE_EPOCH makes images of the same changes the same', async (context) => {
  process.env.SOURCE_DATE_EPOCH = '1700000000';
  context.onTestFinished(() => void delete process.env.SOURCE_DATE_EPOCH);
  const image = Image.directory(busyboxTree(context));
  const digests: (string | undefined)[] = [];
  for (let round = 0; round < 2; round++) {
    await using container = await ran(image, 'echo same > /same');
    const committed = await container.commit();
    digests.push(committed.digest);
    expect((await committed.history())[0]?.created).toEqual(new Date(1_700_000_000_000));
  }
  expect(digests[0]).toBe(digests[1]);
});

test('a snapshot gets its digest when it is saved', async (context) => {
  await using container = await ran(busybox(context), 'echo saved > /saved');
  const snapshot = await container.snapshot();
  const archive = join(temporaryDirectory(context), 'image.tar');
  await snapshot.save(archive);
  expect(await outputOf(await Image.load(archive), 'cat /saved')).toBe('saved\n');
});

describe('what cannot be made an image leaves everything as it was', () => {
  test('an abort while a layer is packed', async (context) => {
    await using container = await ran(busybox(context), 'dd if=/dev/urandom of=/big bs=1M count=30 2>/dev/null');
    const before = [blobs(), readdirSync(join(store, 'snapshots')), await Image.list()];
    const controller = new AbortController();
    const committing = container.commit({ signal: controller.signal });
    const isPacking = () => readdirSync(join(store, 'tmp')).length > 0;
    await expect.poll(isPacking, { interval: 1 }).toBe(true);
    controller.abort();
    await expect(committing).rejects.toMatchObject({ name: 'AbortError' });
    expect([blobs(), readdirSync(join(store, 'snapshots')), await Image.list()]).toEqual(before);
    expect((await container.changes()).map(({ path }) => path)).toContain('/big');
    expect(await outputOf(await container.commit(), 'stat -c %s /big')).toBe(`${30 * 1024 * 1024}\n`);
  });

  test('the removal of the container meanwhile', async (context) => {
    const container = await ran(busybox(context), 'dd if=/dev/urandom of=/big bs=1M count=30 2>/dev/null');
    const before = [blobs(), readdirSync(join(store, 'snapshots'))];
    const committing = container.commit();
    const outcome = expect(committing).rejects.toMatchObject({ code: 'CONTAINER_REMOVED' });
    await expect.poll(() => readdirSync(join(store, 'tmp')).length, { interval: 1 }).toBeGreaterThan(0);
    await container.remove();
    await outcome;
    expect([blobs(), readdirSync(join(store, 'snapshots'))]).toEqual(before);
  });

  test('a container of this machine: its programs are in no layer', async () => {
    await using container = await ran(Image.host(), 'echo a > /opt/a');
    await expect(container.commit()).rejects.toMatchObject({ code: 'IMAGE_NOT_PORTABLE' });
    expect((await container.changes()).map(({ path }) => path)).toContain('/opt/a');
  });

  test.each([
    [{ config: { workdir: 'relative' } }, 'config.workdir must be an absolute path in the container, got "relative"'],
    [{ config: { exposedPorts: ['http'] } }, "config.exposedPorts must be an array of ports, as '80/tcp', got"],
    [{ config: { shell: [] } }, 'unknown config.shell; there are env, command'],
    [{ compression: 'lz4' }, "option 'compression' must be 'gzip' or 'zstd' or 'none'"],
    [{ reference: `app@sha256:${'0'.repeat(64)}` }, 'an image cannot be given a digest as its name'],
  ])('options that cannot be meant: %j', async (options, message) => {
    await using container = await Container.create(Image.host());
    await expect(container.commit(options as object)).rejects.toThrow(message);
  });
});

test('without root, too, a container is made an image of, owned by root', async (context) => {
  const { layout } = inject('images');
  requires(context, layout, 'umoci');
  // The images of a run lie in a directory of root's, so the script gets a copy it may read.
  const copy = join(temporaryDirectory(context, 0o755), 'image');
  cpSync(layout, copy, { recursive: true });
  execFileSync('chmod', ['-R', 'a+rX', copy]);
  const { stdout, stderr } = await runUnprivileged(
    context,
    `
      import { Container, Image } from 'caisson';
      const container = await Container.start(await Image.load(process.argv[2]), {
        command: ['sh', '-c', 'echo a > added; rm kept; rm -r replaced; mkdir -m 700 replaced; echo b > closed; chmod 0 closed'],
      });
      await container.wait();
      await container.commit({ reference: 'mine' });
      const see = 'stat -c "%u %a" added replaced; cat closed; ls';
      process.stdout.write((await Container.run(await Image.get('mine'), ['sh', '-c', see])).stdout);
      await container.remove();
    `,
    { args: [copy] },
  );
  expect(stderr).toBe('');
  expect(stdout).toBe('0 644\n0 700\nb\nadded\nchanged\nclosed\nreplaced\n');
});
