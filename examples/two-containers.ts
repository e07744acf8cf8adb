// Two containers of one image: what one of them writes, neither the other nor this machine sees.
// Run it: npx tsx examples/two-containers.ts
import { existsSync } from 'node:fs';
import { Container, Image } from 'caisson';

const image = Image.host();
const command = ['sleep', 'infinity'];
await using left = await Container.start(image, { command, name: 'left' });
await using right = await Container.start(image, { command, name: 'right' });

await left.exec(['sh', '-c', 'echo apples > /etc/basket; touch /etc/only-left']);
await right.exec(['sh', '-c', 'echo pears > /etc/basket; touch /etc/only-right']);

for (const container of [left, right]) {
  const { stdout } = await container.exec(['sh', '-c', 'cat /etc/basket; ls -d /etc/only-*']);
  const [basket, own] = stdout.split('\n');
  console.log(`${container.name.padEnd(5)}  has ${basket} in its basket, and ${own}`);
}
console.log(`here   there is ${existsSync('/etc/basket') ? 'a' : 'no'} basket`);

// Nothing of the first one is in the image either: a third starts as they did.
const { exitCode } = await Container.run(image, ['test', '-e', '/etc/basket']);
console.log(`third  has ${exitCode === 0 ? 'a' : 'no'} basket`);
