// A private /tmp: a file system in memory that this machine does not see, and that is gone with the container.
// Run it: npx tsx examples/private-tmp.ts
import { readdir } from 'node:fs/promises';
import { Container, Image } from 'caisson';

await using container = await Container.start(Image.host(), {
  command: ['sleep', 'infinity'],
  mounts: [{ type: 'tmpfs', target: '/tmp', sizeBytes: 16 * 1024 * 1024 }],
});
await container.exec(['sh', '-c', 'echo "only here" > /tmp/secret-of-the-container']);

const inside = await container.exec(['ls', '/tmp']);
const outside = await readdir('/tmp');
const mounted = await container.exec(['grep', ' /tmp ', '/proc/mounts']);

console.log(`in the container   ${inside.stdout.trim()}`);
console.log(`on this machine    ${outside.length} entries, ours is ${outside.includes('secret-of-the-container') ? '' : 'not '}there`);
console.log(`mounted as         ${mounted.stdout.trim()}`);
