// A private /tmp: a file system in memory that this machine does not see, and that is gone with the container.
// Run it: npx tsx examples/private-tmp.ts
import { existsSync } from 'node:fs';
import { Container, Image } from 'caisson';

await using container = await Container.start(Image.host(), {
  command: ['sleep', 'infinity'],
  mounts: [{ type: 'tmpfs', target: '/tmp', sizeBytes: 16 * 1024 * 1024 }],
});
await container.exec(['sh', '-c', 'echo "nobody else reads this" > /tmp/private.txt']);

const { stdout: mounted } = await container.exec(['grep', ' /tmp ', '/proc/mounts']);
const { stdout: inside } = await container.exec(['cat', '/tmp/private.txt']);
console.log(`mounted in the container:  ${mounted.trim()}`);
console.log(`/tmp/private.txt in there: ${inside.trim()}`);
console.log(`/tmp/private.txt out here: ${existsSync('/tmp/private.txt') ? 'there' : 'not there'}`);
