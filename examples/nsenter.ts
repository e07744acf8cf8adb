// nsenter(1) in TypeScript: this machine's programs in the network of a container, which has no such programs.
// Run it: npx tsx examples/nsenter.ts
import { Container, Image } from 'caisson';

const image = Image.host();
await using server = await Container.start(image, { command: ['sleep', 'infinity'], hostname: 'server' });

const { stdout } = await Container.run(image, ['sh', '-c', 'hostname; readlink /proc/self/ns/net'], {
  network: { container: server },
  namespaces: { mount: 'host', uts: { container: server } },
});
const [name, network] = stdout.trim().split('\n');
const own = (await server.exec(['readlink', '/proc/self/ns/net'])).stdout.trim();
console.log(`called ${name}, in ${network}, which ${network === own ? 'is' : 'is not'} the server's`);
