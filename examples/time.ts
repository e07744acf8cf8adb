// A container whose clocks are ahead of this machine's: what waits for uptime or a monotonic clock sees a week later.
// Run it: npx tsx examples/time.ts
import { uptime } from 'node:os';
import { Container, Image } from 'caisson';

const week = 7 * 24 * 60 * 60;
const { stdout } = await Container.run(Image.host(), ['cut', '-d ', '-f1', '/proc/uptime'], {
  timeOffsets: { boottime: week, monotonic: week },
});
const days = (seconds: number) => (seconds / 86_400).toFixed(2);
console.log(`here it is up for ${days(uptime())} days, in there for ${days(Number(stdout))}`);
