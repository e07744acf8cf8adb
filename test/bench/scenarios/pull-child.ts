/** A program of its own (see pull.ts): pulls an image, and prints by how many KiB that raised its resident memory. */
import { readFileSync, writeFileSync } from 'node:fs';
import { loadCaisson } from '../caisson.ts';

const [reference = ''] = process.argv.slice(2);
const { Image } = await loadCaisson();
// man 5 proc: sets the peak back to what is resident now.
writeFileSync('/proc/self/clear_refs', '5');
const before = kib('VmRSS');
await Image.pull(reference);
process.stdout.write(`${kib('VmHWM') - before}`);

function kib(name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
