/**
 * What the limit does, from Node: the same directories and pipes, and the stub of a plan that was compiled before the
 * clock started. Nothing is checked, decided, written down or told: no library for Node takes less.
 */
import { mkdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Caisson, loadCaisson } from './caisson.ts';
import type { Entry } from './harness.ts';
import { PACKAGE_ROOT } from './places.ts';
import type { Setting } from './setting.ts';

type Syscalls = typeof import('caisson/syscalls');

/** The id that plans have which are only looked at. */
const ID = '0'.repeat(64);

export function limitFromNode(setting: Setting): Entry {
  return {
    name: 'the limit from Node',
    open: async () => {
      const syscalls = (await import(join(PACKAGE_ROOT, 'dist/syscalls.js'))) as Syscalls;
      const store = join(setting.workspace[setting.upper], 'from-node');
      const program = syscalls.compile(await planIn(store, await loadCaisson(), setting));
      const directory = join(store, 'containers', ID);
      const sample = async () => {
        const begin = performance.now();
        makeDirectories(directory);
        await run(syscalls, program);
        removeDirectories(directory);
        return performance.now() - begin;
      };
      return { sample };
    },
  };
}

/** Whoever else is measured names his own store before each sample. */
async function planIn(store: string, { Container, Image }: Caisson, { workspace, network }: Setting) {
  process.env.CAISSON_ROOT = store;
  const image = Image.directory(workspace.rootfs);
  // The first one makes the layer that all have in common.
  await Container.run(image, ['true']);
  // Of a detached container it is in one piece: nothing is decided meanwhile.
  return Container.plan(image, { command: ['true'], network, userns: 'host', stdin: 'ignore', detach: true });
}

function makeDirectories(directory: string): void {
  mkdirSync(directory, 0o700);
  mkdirSync(`${directory}/upper`, 0o755);
  mkdirSync(`${directory}/work`, 0o700);
}

/** With what overlayfs leaves in `work` of a volatile mount. */
function removeDirectories(directory: string): void {
  const left = ['work/work', 'work/work/incompat', 'work/work/incompat/volatile'].map((name) => join(directory, name));
  unlinkSync(`${directory}/work/work/incompat/volatile/dirty`);
  for (const path of left.reverse()) rmdirSync(path);
  for (const path of [`${directory}/work`, `${directory}/upper`, directory]) rmdirSync(path);
}

/** Resolves when the command has ended, and what it writes. */
async function run(syscalls: Syscalls, program: ReturnType<Syscalls['compile']>): Promise<void> {
  const { close, failureIn, launch, P_PIDFD, read, waitid, watch, WEXITED } = syscalls;
  const [out, err] = [openPipe(syscalls), openPipe(syscalls)];
  const { pidfd, report } = launch(program, { stdout: out.write, stderr: err.write });
  for (const { write } of [out, err]) close(write);
  const buffer = new Uint8Array(4096);
  const until = (descriptor: number, isOver: () => boolean) =>
    new Promise<void>((resolve) => {
      const watching = watch(descriptor, { readable: true }, () => {
        if (!isOver()) return;
        watching.close();
        close(descriptor);
        resolve();
      });
    });
  const ends = (descriptor: number) => until(descriptor, () => read(descriptor, buffer, buffer.length) === 0);
  const reaped = until(pidfd, () => waitid(P_PIDFD, pidfd, null, WEXITED, null) === 0);
  await Promise.all([ends(out.read), ends(err.read), reaped]);
  // Empty, unless a step has failed.
  const said = buffer.subarray(0, read(report, buffer, buffer.length));
  close(report);
  const failure = failureIn(said, program);
  if (failure !== undefined) throw failure;
}

function openPipe({ pipe2, O_CLOEXEC }: Syscalls): { readonly read: number; readonly write: number } {
  const bytes = new Uint8Array(8);
  pipe2(bytes, O_CLOEXEC);
  const [read = -1, write = -1] = new Int32Array(bytes.buffer);
  return { read, write };
}
