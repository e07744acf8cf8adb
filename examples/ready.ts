// A server in a container with no network but its own: the start waits until it answers, and who asks needs no port.
// Run it: npx tsx examples/ready.ts
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { CaissonError, Container, Image, ready } from 'caisson';

const image = Image.host();
const listen =
  'use IO::Socket; $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8080", Listen => 9, ReuseAddr => 1);';
const serve =
  'while ($c = $s->accept) { print $c "HTTP/1.0 200 OK\\r\\n\\r\\nHello from $ENV{HOSTNAME}\\n"; close $c }';
await using server = await Container.start(image, {
  command: ['perl', '-e', `${listen} print "listening\\n"; ${serve}`],
  hostname: 'box',
  init: true,
  ready: ready.all(ready.port(8080), ready.http({ port: 8080 })),
  healthCheck: { command: ['true'], intervalMs: 20 },
});

// Any client that takes a socket can be given this one: http, undici, a database's driver.
const socket = await server.connect(8080);
const answer = await new Promise<string>((resolve, reject) => {
  get({ createConnection: () => socket }, (response) => resolve(text(response))).on('error', reject);
});
console.log(answer.trim());

if (server.health?.status !== 'healthy') await new Promise((resolve) => server.once('health', resolve));
console.log(`it is ${server.health?.status}`);

// A start that fails says why: how the command ended, what was waited for, what it wrote last.
try {
  await Container.start(image, { command: ['sh', '-c', 'echo no space left >&2; exit 3'], ready: ready.port(5432) });
} catch (error) {
  if (!(error instanceof CaissonError)) throw error;
  console.log(`${error.code}: exit code ${error.exitCode}, ${error.stderr}`);
}
