// The shortest way into a container: runs a command in one that is made of this machine's own programs.
// Run it: npm start (or npx tsx examples/hello.ts)
import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { Container, Image } from 'caisson';

const image = Image.host();
const script = 'echo "Hello from inside!"; uname -n; echo $$; id -u; set -- /proc/[0-9]*; echo $#';
const { stdout } = await Container.run(image, ['sh', '-c', script], { hostname: 'box' });
const [greeting, name, pid, uid, processes] = stdout.split('\n');

// The first run also loaded the native layer, and looked this machine over. From now on:
const startedAt = performance.now();
await Container.run(image, ['true']);
const tookMs = performance.now() - startedAt;

const row = (fact: string, inside?: string, outside?: unknown) => `  ${fact.padEnd(12)}${inside?.padEnd(12)}${outside}`;
console.log(`${greeting}

${row('', 'in there', 'out here')}
${row('hostname', name, hostname())}
${row('PID', pid, process.pid)}
${row('user id', uid, process.getuid?.())}
${row('processes', processes, readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).length)}

Another container, made, run and removed: ${tookMs.toFixed(1)} ms.

Go on with
  npx tsx examples/shell.ts    look around in one
  npx tsx examples/exec.ts     run more in one that is there
  npx tsx examples/plan.ts     see every system call that makes one`);
