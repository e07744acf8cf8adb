/** A Debian image from a registry, and what it costs to pull it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRegistry } from '../store/registry/support/docker-registry.ts';
import { layoutOfTree } from '../store/registry/support/tree-image.ts';
import { runStoreScript } from '../store/support/script.ts';
import { debianTree } from '../support/debian-tree.ts';
import { requires } from '../support/requires.ts';
import { removeTree, temporaryDirectory } from '../support/temporary.ts';

describe('a Debian image', () => {
  let directory: string | undefined;
  let tree: string | undefined;
  let layout = '';
  beforeAll(async () => {
    tree = await debianTree();
    if (tree === undefined) return;
    directory = mkdtempSync(join(tmpdir(), 'caisson-debian-'));
    layout = layoutOfTree(directory, tree);
  });
  afterAll(() => {
    if (directory !== undefined) removeTree(directory);
  });

  test.runIf(process.getuid?.() === 0)(
    'that skopeo copied to a registry is pulled whole, in less than 128 MiB of memory, and runs',
    async (context) => {
      requires(context, tree !== undefined, 'debootstrap');
      const { host } = await startRegistry(context);
      copyToRegistry(layout, host);
      const root = join(temporaryDirectory(context), 'store');
      const { stdout, stderr } = await runStoreScript(context, PULL, [root, `${host}/debian:v1`]);
      expect(stderr).toBe('');
      const { path, bytes } = JSON.parse(stdout) as { path: string; bytes: number };
      expect(bytes / 2 ** 20).toBeLessThan(128);
      expect(list(path)).toEqual(list(tree));

      process.env.CAISSON_ROOT = root;
      const image = await Image.get(`${host}/debian:v1`);
      const { stdout: id } = await Container.run(image, ['bash', '-c', '. /etc/os-release; echo $ID']);
      expect(id).toBe('debian\n');
    },
  );
});

/** Prints where the layer is, and by how much memory has grown at most. */
const PULL = `
  import { openStore, pullImage } from 'store';
  const before = process.memoryUsage().rss;
  const { layers } = await pullImage(openStore(process.argv[2]), process.argv[3]);
  console.log(JSON.stringify({ path: layers[0], bytes: process.resourceUsage().maxRSS * 1024 - before }));
`;

/** What is in a tree, with owners, modes, links, sizes and times. */
function list(tree: string): string[] {
  const format = `\\( -type d -printf '%P/ %m %U:%G %T@\\n' -o -printf '%P %y %m %U:%G %s %l %n %T@\\n' \\)`;
  const script = `find . -mindepth 1 ${format} | sort`;
  return execFileSync('sh', ['-ec', script], { cwd: tree, encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\n');
}

function copyToRegistry(layout: string, host: string): void {
  const target = ['--dest-tls-verify=false', `docker://${host}/debian:v1`];
  execFileSync('skopeo', ['--insecure-policy', 'copy', `oci:${layout}`, ...target], { stdio: 'pipe' });
}
