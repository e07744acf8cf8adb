// The shortest way into a container: runs a command in one that is made of this machine's own programs.
// Run it: npm start (or npx tsx examples/hello.ts)
import { hostname, userInfo } from 'node:os';
import { Container, Image } from 'caisson';

const image = Image.host();
const facts = ['sh', '-c', 'uname -n; echo $$; id -un; ls -d /proc/[0-9]* | wc -l; echo "Hello from inside!"'];

const first = await Container.run(image, facts, { hostname: 'box' });
const again = await Container.run(image, facts, { hostname: 'box' });
const [name, pid, user, processes, greeting] = again.stdout.split('\n');
const took = (ms: number) => `${ms.toFixed(1)} ms`;

console.log(`${greeting} This was a container: made, run and removed.

               inside     out here
  hostname     ${name?.padEnd(10)} ${hostname()}
  PID          ${pid?.padEnd(10)} ${process.pid}
  user         ${user?.padEnd(10)} ${userInfo().username}
  processes    ${processes?.padEnd(10)} sees none of this machine's
  took         ${took(again.durationMs).padEnd(10)} the first one ${took(first.durationMs)}, loading included

Go on with
  npx tsx examples/shell.ts    look around in one yourself
  npx tsx examples/exec.ts     run more in a container that is there
  npx tsx examples/plan.ts     every system call that makes one`);
