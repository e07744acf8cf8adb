// Every system call that would make a container, in order and with its reason, before anything happens.
// Run it: npx tsx examples/plan.ts
import { Container, Image } from 'caisson';

const plan = Container.plan(Image.host(), {
  command: ['echo', 'hello'],
  hostname: 'box',
  mounts: [{ type: 'tmpfs', target: '/tmp' }],
});

console.log(plan.toString());
console.log(`\n${plan.steps.length} steps. None of them was taken: there is no container.`);
