// A root file system with two programs of this machine and the libraries they need, as one builds by hand with ldd.
// Run it: npx tsx examples/chroot.ts
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Container, Image, sharedLibraries } from 'caisson';

const root = await mkdtemp(join(tmpdir(), 'chroot-'));
try {
  for (const program of ['/bin/sh', '/bin/ls']) {
    const libraries = await sharedLibraries(program);
    console.log(`${program} needs ${libraries.map(({ name }) => name).join(', ') || 'nothing'}`);
    for (const path of [program, ...libraries.map((library) => library.path)]) {
      await mkdir(join(root, dirname(path)), { recursive: true });
      await copyFile(path, join(root, path));
    }
  }
  const { stdout } = await Container.run(Image.directory(root), ['sh', '-c', 'echo "All there is:"; ls / /bin']);
  console.log(`\n${stdout}`);
} finally {
  await rm(root, { recursive: true });
}
