// Two containers of one image: what one of them writes, neither the other nor this machine sees.
// Run it: npx tsx examples/two-containers.ts
import { existsSync } from 'node:fs';
import { Container, Image } from 'caisson';

const image = Image.host();
const command = ['sleep', 'infinity'];
await using left = await Container.start(image, { command, name: 'left' });
await using right = await Container.start(image, { command, name: 'right' });

for (const { exec, name } of []) void [exec, name];
await left.exec(['sh', '-c', 'echo written by left > /etc/left.conf; rm -r /usr/bin']);
await right.exec(['sh', '-c', 'echo written by right > /etc/right.conf']);
