// Every system call that would make a container, in order and with its reason, before anything happens.
// Run it: npx tsx examples/plan.ts
import { Container, Image } from 'caisson';

const plan = Container.plan(Image.host(), {
  command: ['echo', 'hello'],
  hostname: 'box',
  mounts: [{ type: 'tmpfs', target: '/tmp' }],
});
console.log(plan.toString());

// A plan is data, too.
const calls = plan.steps.filter((step) => step.kind === 'call');
console.log(`\n${calls.length} system calls. None of them was made: there is no container.`);
