// The five classic namespaces of a container, side by side with those this program is in.
// Run it: npx tsx examples/namespaces.ts
import { readlinkSync } from 'node:fs';
import { Container, Image } from 'caisson';

const kinds = { mount: 'mnt', pid: 'pid', network: 'net', ipc: 'ipc', uts: 'uts' };
const paths = Object.values(kinds).map((kind) => `/proc/self/ns/${kind}`);

const { stdout } = await Container.run(Image.host(), ['readlink', ...paths]);
const inside = stdout.trim().split('\n');
const outside = paths.map((path) => readlinkSync(path));

const row = (...cells: readonly (string | undefined)[]) => cells.map((cell) => cell?.padEnd(20)).join('');
console.log(row('namespace', 'container', 'host'));
for (const [index, name] of Object.keys(kinds).entries()) console.log(row(name, inside[index], outside[index]));

const shared = paths.filter((_, index) => inside[index] === outside[index]);
console.log(shared.length === 0 ? '\nThey share none.' : `\nThey share ${shared.join(', ')}.`);
