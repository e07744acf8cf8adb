// Finds the server that another script has left running, asks it something, shows its log and ends it.
// Run it: npx tsx examples/detached-server.ts      then: npx tsx examples/find-server.ts
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { Container } from 'caisson';

const container = await Container.get('web').catch(() => undefined);
if (container === undefined) {
  console.error("there is no container 'web': run examples/detached-server.ts first");
  process.exit(1);
}

// It has a network of its own with nothing but loopback, so the connection is made from inside.
const socket = await container.connect(8080);
const answer = await new Promise<string>((resolve, reject) => {
  const asked = request({ path: '/hello', createConnection: () => socket }, (response) => resolve(text(response)));
  asked.on('error', reject).end();
});
console.log(`it says: ${answer.trim()}`);

console.log('its log:');
for await (const { time, data } of container.logs({ tail: 5 }))
  console.log(`  ${time.toISOString()}  ${String(data).trim()}`);

await container.stop();
console.log(`it has ended: ${container.exitCode ?? container.inspect().signal}`);
await container.remove();
