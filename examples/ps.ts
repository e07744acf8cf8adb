// A container has a PID namespace of its own: ps is PID 1 in it, and sees nobody else.
// Run it: npx tsx examples/ps.ts
import { Container, Image } from 'caisson';

const { stdout } = await Container.run(Image.host(), ['ps', 'aux']);
console.log(stdout);

// With `init`, PID 1 is a tiny process of caisson's that forwards signals to the command and reaps orphans.
const supervised = await Container.run(Image.host(), ['ps', 'aux'], { init: true });
console.log(supervised.stdout);
