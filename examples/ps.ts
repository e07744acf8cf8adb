// A container has a PID namespace of its own: ps sees itself as PID 1, and nobody else.
// Run it: npx tsx examples/ps.ts
import { Container, Image } from 'caisson';

const { stdout } = await Container.run(Image.host(), ['ps', '-e', '-o', 'pid,user,args']);
console.log(stdout);

// With `init`, a tiny process of ours is PID 1: it forwards signals to the command and reaps orphans.
const supervised = await Container.run(Image.host(), ['ps', '-e', '-o', 'pid,user,args'], { init: true });
console.log(supervised.stdout);
