import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The images of one test run, as paths; undefined where the machine has no program to make it.
 * Nobody writes to them: a test that would takes a copy.
 */
export interface TestImages {
  /** A root file system: static busybox with a link per applet, /etc/passwd with root, app (1000) and nobody. */
  readonly busybox: string | undefined;
  /**
   * An OCI image layout directory, tagged `latest`: the busybox tree and /data in its first layer, in the second
   * /data/deleted deleted, /data/changed changed, /data/added added and /data/replaced made anew. Its configuration
   * has GREETING=hello in the environment, /data as working directory and `sh` as command.
   */
  readonly layout: string | undefined;
  /** The same image as a tar file of an OCI layout. */
  readonly ociArchive: string | undefined;
  /** The same image as `docker save` writes it, with the name caisson-test/busybox:latest. */
  readonly dockerArchive: string | undefined;
}

/** Makes the test images in `directory`. */
export function makeTestImages(directory: string): TestImages {
  mkdirSync(directory, { recursive: true });
  const busybox = makeBusyboxTree(join(directory, 'busybox'));
  const layout = busybox && has('umoci') ? makeLayout(join(directory, 'layout'), busybox) : undefined;
  const convertible = has('skopeo') ? layout : undefined;
  return {
    busybox,
    layout,
    ociArchive: convertible && copyImage(convertible, 'oci-archive', join(directory, 'oci.tar'), 'latest'),
    dockerArchive:
      convertible &&
      copyImage(convertible, 'docker-archive', join(directory, 'docker.tar'), 'caisson-test/busybox:latest'),
  };
}

function makeBusyboxTree(root: string): string | undefined {
  const program = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path) && isStatic(path));
  if (program === undefined) return undefined;
  for (const name of ['bin', 'dev', 'etc', 'home/app', 'proc', 'root', 'sys', 'var']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  writeFileSync(join(root, 'bin/busybox'), readFileSync(program), { mode: 0o755 });
  for (const applet of run(program, '--list-full').trim().split('\n')) {
    const link = join(root, applet);
    mkdirSync(dirname(link), { recursive: true });
    if (!existsSync(link)) symlinkSync('/bin/busybox', link);
  }
  const users = ['root:x:0:0:root:/root:/bin/sh', 'app:x:1000:1000:app:/home/app:/bin/sh'];
  users.push('nobody:x:65534:65534:nobody:/nonexistent:/bin/false');
  writeFileSync(join(root, 'etc/passwd'), `${users.join('\n')}\n`);
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\napp:x:1000:\nstaff:x:50:app\nnogroup:x:65534:\n');
  return root;
}

function makeLayout(layout: string, tree: string): string {
  const bundle = `${layout}-bundle`;
  const image = `${layout}:latest`;
  const data = join(bundle, 'rootfs/data');
  run('umoci', 'init', '--layout', layout);
  run('umoci', 'new', '--image', image);
  run('umoci', 'unpack', ...(process.getuid?.() === 0 ? [] : ['--rootless']), '--image', image, bundle);

  run('cp', '-a', `${tree}/.`, join(bundle, 'rootfs'));
  mkdirSync(join(data, 'replaced'), { recursive: true });
  for (const name of ['kept', 'changed', 'deleted', 'replaced/old']) writeFileSync(join(data, name), 'layer 1\n');
  run('umoci', 'repack', '--refresh-bundle', '--image', image, bundle);

  rmSync(join(data, 'deleted'));
  rmSync(join(data, 'replaced'), { recursive: true });
  mkdirSync(join(data, 'replaced'));
  for (const name of ['changed', 'added', 'replaced/new']) writeFileSync(join(data, name), 'layer 2\n');
  run('umoci', 'repack', '--image', image, bundle);

  const environment = ['--config.env', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', '--config.env', 'GREETING=hello'];
  run('umoci', 'config', '--image', image, '--config.cmd', 'sh', '--config.workingdir', '/data', ...environment);
  rmSync(bundle, { recursive: true });
  return layout;
}

function copyImage(layout: string, kind: string, archive: string, tag: string): string {
  run('skopeo', '--insecure-policy', 'copy', '--quiet', `oci:${layout}:latest`, `${kind}:${archive}:${tag}`);
  return archive;
}

/** Whether the program has no interpreter (ELF's PT_INTERP), so that it runs in a tree without libraries. */
function isStatic(path: string): boolean {
  return !readFileSync(path).subarray(0, 4096).includes('/ld-');
}

function has(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, program)));
}

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
