/** `prepare-in-child.ts DIRECTORY`: makes the host skeleton when a line comes on standard input, and prints the result. */
import { once } from 'node:events';
import { prepareHostSkeleton } from '../../../sdk/host/index.ts';

const [directory = ''] = process.argv.slice(2);
process.umask(0o077); // modes must not depend on it
console.log('ready');
await once(process.stdin, 'data');
console.log(JSON.stringify(prepareHostSkeleton(directory)));
process.exit();
