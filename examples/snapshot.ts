// A fixture that is prepared once, and of which every test gets a copy of its own at once: a snapshot.
// Run it: npx tsx examples/snapshot.ts
import { Container, Image } from 'caisson';

const database = 'for i in $(seq 1000); do echo row $i; done > /srv/database; head -c 50000000 /dev/zero > /srv/big';
await using prepared = await Container.create(Image.host(), { command: ['sh', '-c', database] });
await prepared.start();
await prepared.wait();
console.log(await prepared.changes());

// The container's changes become the image's topmost layer by a rename, however much there is.
const begin = performance.now();
const fixture = await prepared.snapshot();
console.log(`snapshot: ${(performance.now() - begin).toFixed(1)} ms`);

const tests = ['tail -n 1 /srv/database', 'rm /srv/database; ls /srv', 'wc -l < /srv/database'];
for (const test of tests) {
  const { stdout } = await Container.run(fixture, ['sh', '-c', test]);
  console.log(`${test}: ${stdout.trim().replace('\n', ' ')}`);
}
