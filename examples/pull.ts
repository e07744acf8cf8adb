// Pulls an image from a registry with a progress bar, and runs a command in it.
// Run it: npx tsx examples/pull.ts alpine cat /etc/os-release
import { Container, Image, type TransferEvent } from 'caisson';

const [reference = 'alpine', ...command] = process.argv.slice(2);
const pull = Image.pull(reference);

// What is pulled can be awaited for the image, and iterated for what happens meanwhile.
const bytes = new Map<string, number>();
let total = 0;
for await (const event of pull) show(event);
const image = await pull;
if (process.stderr.isTTY) process.stderr.write('\n');
for (const note of image.notes) console.error(`note: ${note}`);

const { stdout, stderr, exitCode } = await Container.run(image, command);
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode ?? 1;

function show(event: TransferEvent): void {
  if (event.kind === 'resolved') total = event.size;
  if (event.kind === 'receiving') bytes.set(event.digest, event.bytes);
  if (event.kind === 'retrying') console.error(`\n${event.error.message}: again in ${event.delayMs} ms`);
  if (!process.stderr.isTTY) {
    if (event.kind !== 'receiving') console.error(event.kind, 'digest' in event ? event.digest.slice(0, 19) : '');
    return;
  }
  const received = [...bytes.values()].reduce((sum, each) => sum + each, 0);
  const part = total === 0 ? 0 : Math.min(1, received / total);
  const bar = '█'.repeat(Math.round(part * 30)).padEnd(30, '░');
  process.stderr.write(`\r${bar} ${(received / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB `);
}
