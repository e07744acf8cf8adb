import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { membersOf, parseStat, readStat } from '../../../sdk/engine/processes.ts';

test('what follows a name in stat is found, whatever the name', () => {
  const text = '42 (a) R (b)\n) S 7 1 1 0 -1 4194560 1 2 3 4 15 6 0 0 20 0 1 0 98765 1000 25';
  expect(parseStat(text)).toEqual({
    name: 'a) R (b)\n',
    state: 'S',
    ppid: 7,
    flags: 4_194_560,
    userTicks: 15,
    systemTicks: 6,
    startTicks: 98_765,
  });
});

test('of a process that is not the first of a PID namespace, the members are what descends from it', async () => {
  const child = spawn('sh', ['-c', 'sleep 600 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const sleep = Number(line.toString());
  const members = membersOf(child.pid as number);
  expect(members.list().sort()).toEqual([child.pid, sleep].sort());
  expect([members.has(sleep), members.has(process.pid), members.has(1)]).toEqual([true, false, false]);
  expect([...members.others(new Set([child.pid]))]).toEqual([sleep]);
  // The first one is what keeps the others.
  expect([members.isKeeper(child.pid as number), members.isKeeper(sleep)]).toEqual([true, false]);
  process.kill(sleep, 'SIGKILL');
  await once(child, 'close');
  expect([readStat(sleep), membersOf(child.pid as number).list()]).toEqual([undefined, []]);
});
