import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  addContainerUses,
  createContainerDirectory,
  readContainerRecord,
  whileRecordIsOurs,
} from '../../../store/containers/index.ts';
import { openStore } from '../../../store/layout.ts';
import { sweepContainers } from '../../../store/sweep.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { runStoreScript } from '../support/script.ts';

const id = 'a'.repeat(64);
const PROCESSES = [0, 1, 2, 3];
const ROUNDS = 25;

test('of changes that several processes make to a record at once, none is lost', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  createContainerDirectory(store, id, { name: 'begun' });
  const script = `
    import { addContainerUses, changeContainerUses, openStore, renameContainer } from 'store';
    const store = openStore(process.argv[2]);
    const [id, me, rounds] = process.argv.slice(3);
    for (let round = 0; round < Number(rounds); round++) {
      await addContainerUses(store, id, { volumes: ['v-' + me + '-' + round] });
      await renameContainer(store, id, 'name-' + me + '-' + round);
      await changeContainerUses(store, id, { image: 'sha256:' + me.repeat(64) });
    }`;
  const args = (me: number) => [root, id, String(me), String(ROUNDS)];
  const results = await Promise.all(PROCESSES.map((me) => runStoreScript(context, script, args(me))));
  expect(results.map(({ stderr }) => stderr)).toEqual(PROCESSES.map(() => ''));
  const record = readContainerRecord(store, id);
  const expected = PROCESSES.flatMap((me) => Array.from({ length: ROUNDS }, (_, round) => `v-${me}-${round}`));
  expect([...(record?.uses.volumes ?? [])].sort()).toEqual(expected.sort());
  expect(record?.name).toMatch(/^name-\d-24$/);
  expect(readdirSync(store.names)).toEqual([record?.name]);
  expect(readdirSync(store.locks).filter((name) => name.startsWith('record-'))).toEqual([]);
});

test('a change that fails leaves the record as it was, and free for the next', async (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, id);
  const before = readContainerRecord(store, id);
  const missing = { mounted: [`${store.layers}/${'b'.repeat(64)}`], volumes: ['never'] };
  await expect(addContainerUses(store, id, missing)).rejects.toMatchObject({ code: 'LAYER_NOT_FOUND' });
  expect(readContainerRecord(store, id)).toEqual(before);
  await addContainerUses(store, id, { volumes: ['made'] });
  expect(readContainerRecord(store, id)?.uses.volumes).toEqual(['made']);
});

test('the lock of who was killed while he changed a record stops nobody, and goes with the container', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  createContainerDirectory(store, id);
  const script = `
    import { openStore, ownerOf, whileRecordIsOurs } from 'store';
    const store = openStore(process.argv[2]);
    ownerOf(store);
    const hold = (id) => whileRecordIsOurs(store, id, () => new Promise(() => setInterval(() => {}, 1000)));
    void hold(process.argv[3]);
    void hold('gone');
    console.log('held');`;
  await runStoreScript(context, script, [root, id], { onLine: (_line, kill) => kill('SIGKILL') });
  const locks = () => readdirSync(store.locks).filter((name) => name.startsWith('record-'));
  expect(locks().sort()).toEqual([`record-${id}.lock`, 'record-gone.lock']);
  await sweepContainers(store);
  expect(locks()).toEqual([`record-${id}.lock`]);
  expect(await whileRecordIsOurs(store, id, () => 'free')).toBe('free');
  expect(locks()).toEqual([]);
});
