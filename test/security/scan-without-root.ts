/**
 * Run without root by node-memory.test.ts: enters a container's namespaces as their owner, which gives all
 * capabilities in them, and looks from there while processes are executed in it. Prints what was seen.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Container, Image } from 'caisson';

const [source = ''] = process.argv.slice(2);
const halves = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
const secret = Buffer.alloc(64);
halves.forEach((half, index) => {
  secret.write(half, index * 32, 'latin1');
});

const mounts = [{ type: 'bind', source, target: '/scan', readOnly: true }] as const;
await using container = await Container.start(Image.host(), { command: ['sleep', '600'], mounts });
const namespaces = ['--user', '--mount', '--pid', '--preserve-credentials'];
const args = ['--target', String(container.pid), ...namespaces, '/scan/scan', ...halves];
const scanner = spawn('/usr/bin/nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'] });
const exited = once(scanner, 'exit');
const lines = createInterface({ input: scanner.stdout })[Symbol.asyncIterator]();
await lines.next();
for (let count = 0; count < 100; count += 1) await container.exec(['true']);
scanner.stdin.end();
console.log((await lines.next()).value);
await exited;
if (secret.length !== 64) throw new Error('the secret was not kept');
