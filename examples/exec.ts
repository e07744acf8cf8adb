// More processes in a container that runs: one whose output is collected, one whose output is read as it comes.
// Run it: npx tsx examples/exec.ts
import { Container, Image } from 'caisson';

await using container = await Container.start(Image.host(), { command: ['sleep', 'infinity'], hostname: 'box' });
container.on('exec', ({ args }) => console.log(`> ${args.join(' ')}`));
container.on('exit', ({ signal }) => console.log(`the container ended with ${signal}`));

// Collected: for a question with an answer. A failing command is an answer, too.
const name = await container.exec(['uname', '-n']);
console.log(name.stdout.trim());
const { exitCode, stderr } = await container.exec(['ls', '/nowhere'], { env: { LC_ALL: 'C' } });
console.log(`exit code ${exitCode}: ${stderr.trim()}`);

// Streamed: for what goes on for a while, or is talked to.
const sort = await container.spawn(['sort']);
sort.stdin.end('pear\napple\nfig\n');
for await (const line of sort.stdout.lines()) console.log(line);
console.log(await sort.wait());
