// A web server that goes on when this script has ended, and is started again when it fails.
// Run it: npx tsx examples/detached-server.ts      then: npx tsx examples/find-server.ts
import { Container, Image } from 'caisson';

const server = `
  const { createServer } = require('node:http');
  let served = 0;
  createServer((request, response) => {
    console.log(request.method, request.url);
    response.end('answer ' + ++served + ' of process ' + process.pid + '\\n');
  }).listen(8080, () => console.log('listening'));`;

const container = await Container.start(Image.host(), {
  name: 'web',
  detach: true,
  restart: 'on-failure',
  // As process 1, Node would not end when it is asked to.
  init: true,
  // Wherever Node lies on this machine, there it is /node.
  mounts: [{ type: 'bind', source: process.execPath, target: '/node', readOnly: true }],
  command: ['/node', '-e', server],
});

for await (const line of container.logs({ follow: true }).lines()) if (line === 'listening') break;
console.log(`'${container.name}' runs as process ${container.pid}, without anybody who has to wait for it`);
