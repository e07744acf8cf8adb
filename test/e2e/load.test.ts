/** Images that other tools made, run. */
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { Container, Image } from 'caisson';
import { describe, expect, inject, test } from 'vitest';
import { openStore } from '../../store/index.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runUnprivileged } from '../support/unprivileged.ts';

const LISTING = `
added: layer 2
changed: layer 2
kept: layer 1
replaced/new: layer 2
`.trimStart();

/** Shows every file below the working directory with its content. */
const SHOW = 'find . -type f | sort | cut -c3- | while read -r f; do echo "$f: $(cat "$f")"; done';

const KINDS = ['layout', 'ociArchive', 'dockerArchive'] as const;

describe.each(KINDS)('an image loaded from its %s', (kind) => {
  test('runs with its layers, whiteouts and opaque directories applied', async (context) => {
    const path = inject('images')[kind];
    requires(context, path, 'umoci and skopeo');
    process.env.CAISSON_ROOT = temporaryDirectory(context);
    const image = await Image.load(path);
    const { stdout } = await Container.run(image, ['sh', '-c', SHOW]);
    expect(stdout).toBe(LISTING);
  });

  test('has the environment, working directory and command of its configuration', async (context) => {
    const path = inject('images')[kind];
    requires(context, path, 'umoci and skopeo');
    process.env.CAISSON_ROOT = temporaryDirectory(context);
    const image = await Image.load(path);
    const { stdout } = await Container.run(image, ['sh', '-c', 'echo $GREETING $PWD']);
    expect(stdout).toBe('hello /data\n');
    expect(Container.plan(image).toString()).toMatch(/execve\("\/bin\/sh", \["sh"\]/);
  });

  test.runIf(process.getuid?.() === 0)('runs without root, too', async (context) => {
    const path = inject('images')[kind];
    requires(context, path, 'umoci and skopeo');
    // The images of a run lie in a directory of root's, so the script gets a copy it may read.
    const directory = temporaryDirectory(context, 0o755);
    const copy = `${directory}/image`;
    cpSync(path, copy, { recursive: true });
    execFileSync('chmod', ['-R', 'a+rX', copy]);
    const { stdout, stderr } = await runUnprivileged(
      context,
      `
        import { Container, Image } from 'caisson';
        const image = await Image.load(process.argv[2]);
        const { stdout } = await Container.run(image, ['sh', '-c', process.argv[3]]);
        process.stdout.write(stdout);
      `,
      { args: [copy, SHOW] },
    );
    expect(stderr).toBe('');
    expect(stdout).toBe(LISTING);
  });
});

describe('the store', () => {
  test('gives a loaded image by its name, and says which there are', async (context) => {
    const { dockerArchive } = inject('images');
    requires(context, dockerArchive, 'umoci and skopeo');
    process.env.CAISSON_ROOT = temporaryDirectory(context);
    const loaded = await Image.load(dockerArchive);
    const found = await Image.get('caisson-test/busybox');
    expect(found.digest).toBe(loaded.digest);
    await expect(Image.get('alpine')).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('docker.io/caisson-test/busybox:latest'),
    });
  });

  test('unpacks a layer that two images share once', async (context) => {
    const { layout, dockerArchive } = inject('images');
    requires(context, layout && dockerArchive, 'umoci and skopeo');
    const root = temporaryDirectory(context);
    process.env.CAISSON_ROOT = root;
    await Image.load(layout, { reference: 'latest' });
    const { layers } = openStore(root);
    const before = readdirSync(layers).sort();
    await Image.load(dockerArchive);
    expect(readdirSync(layers).sort()).toEqual(before);
    expect(before).toHaveLength(2);
  });
});
