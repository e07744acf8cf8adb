// Two containers that share a network namespace: one serves at a port of 127.0.0.1, the other one asks it by its name.
// Run it: npx tsx examples/pod.ts
import { Image, Pod, ready } from 'caisson';

const serve = `require('node:net').createServer((socket) => socket.end('hello from the server')).listen(5000)`;
const ask = `require('node:net').connect(5000, 'server').on('data', (data) => console.log(String(data)))`;
const mounts = [{ type: 'bind', source: process.execPath, target: '/node', readOnly: true }] as const;

await using pod = await Pod.start({
  containers: {
    server: { image: Image.host(), mounts, command: ['/node', '-e', serve], ready: ready.port(5000) },
    client: { mounts, command: ['sleep', 'infinity'] },
  },
});
const { stdout, stderr } = await pod.containers.client.exec(['/node', '-e', ask]);
console.log(stdout.trim() || stderr);
