// A volume that outlives its containers: one writes to it, another one finds what is there, a third copies it elsewhere.
// Run it: npx tsx examples/volume.ts
import { Container, Image, type Mount, Volume } from 'caisson';

const image = Image.host();
const mounts: Mount[] = [{ type: 'volume', source: 'example-visits', target: '/var/lib/visits' }];
const visit = 'echo "visit by $(hostname)" >> /var/lib/visits/log; wc -l < /var/lib/visits/log';

// The volume is made with the first container that has it; the containers are gone when their command has ended.
for (let count = 0; count < 3; count++) {
  const { stdout } = await Container.run(image, ['sh', '-c', visit], { mounts });
  console.log(`visits so far: ${stdout.trim()}`);
}

const volume = await Volume.get('example-visits');
const { sizeBytes, createdAt, users } = await volume.inspect();
console.log(`${volume.name}: ${sizeBytes} bytes, of ${createdAt.toISOString()}, used by ${users.length} containers`);

// Who has it cannot lose it.
await using keeper = await Container.start(image, { command: ['sleep', '60'], mounts, name: 'example-keeper' });
await volume.remove().catch((error: Error) => console.log(error.message));

// A part of it, read-only, in a container that runs already.
await keeper.mount({ type: 'volume', source: volume, subpath: 'log', target: '/log', readOnly: true });
const { stdout } = await keeper.exec(['tail', '-n', '1', '/log']);
console.log(`the last: ${stdout.trim()}`);

await keeper.remove();
await volume.remove();
