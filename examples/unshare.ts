// unshare(1) in TypeScript: a command of this machine, among this machine's files, in namespaces of its own.
// Run it: npx tsx examples/unshare.ts [command …]
import { Container, Image } from 'caisson';

const { argv } = process;
const command =
  argv.length > 2 ? argv.slice(2) : ['sh', '-c', 'hostname; id -u; echo $$; grep -c : /proc/self/net/dev'];
const { stdout, stderr, exitCode } = await Container.run(Image.host(), command, {
  namespaces: { mount: 'host', cgroup: 'host' },
  hostname: 'unshared',
  workdir: process.cwd(),
});
console.log(stdout + stderr);
process.exitCode = exitCode ?? 1;
