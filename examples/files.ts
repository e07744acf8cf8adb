// A container's files from outside: container.fs is node:fs/promises in there, copyIn and copyOut do what docker cp does,
// getArchive and putArchive take a tree from one container to another. Run it: npx tsx examples/files.ts
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Container, Image } from 'caisson';

const here = await mkdtemp(join(tmpdir(), 'caisson-example-'));
await using container = await Container.create(Image.host(), {
  command: ['sort', '-o', '/work/sorted', '/work/words'],
});
await using other = await Container.create(Image.host(), { command: ['true'] });

// Before it has ever run: a directory, and a file of this machine that is copied into it.
await container.fs.mkdir('/work');
await writeFile(join(here, 'words'), 'pear\nfig\napple\n');
const { files, bytes } = await container.copyIn(join(here, 'words'), '/work');
console.log(`copied in: ${files} file of ${bytes} bytes`);

await container.start();
await container.wait();

// After its end: what it has written.
for (const name of await container.fs.readdir('/work')) {
  const { size, mode } = await container.fs.stat(`/work/${name}`);
  console.log(`${name.padEnd(7)} ${size} bytes, mode ${(mode & 0o777).toString(8)}`);
}
await container.copyOut('/work/.', join(here, 'out'));
console.log((await readFile(join(here, 'out/sorted'), 'utf8')).trim().split('\n').join(', '));

// The same tree in another container, without touching the disk in between.
await other.putArchive(container.getArchive('/work'), '/srv', { owner: 'root' });
console.log('the other one has', (await other.fs.readdir('/srv/work')).join(' and '));

await rm(here, { recursive: true });
