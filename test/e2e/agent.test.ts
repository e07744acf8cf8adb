/** Agents: processes without JavaScript that make system calls elsewhere for this one. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { Container, Image } from 'caisson';
import { expect, test } from 'vitest';
import { openAgent } from '../../sdk/engine/agent.ts';
import { planAgentInContainer } from '../../sdk/plan/agent.ts';
import type { Spec } from '../../sdk/spec/spec.ts';
import {
  AT_FDCWD,
  compile,
  fgetxattr,
  fsetxattr,
  getpid,
  mkdirat,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  pidfd_open,
  readlinkat,
  symlinkat,
  unlinkat,
} from '../../syscalls/index.ts';
import { privateStore, sh } from './fixture.ts';

privateStore();

/** An agent in a container, both to be gone at the end of a block. */
async function agentInContainer() {
  const container = await Container.start(Image.host(), { command: ['sleep', '60'] });
  const { spec, pid } = container.inspect();
  const target = pidfd_open(pid as number, 0);
  try {
    const agent = await openAgent(compile(planAgentInContainer(spec as Spec)), target);
    const dispose = () => agent.close().then(() => container.remove());
    return { agent, container, [Symbol.asyncDispose]: dispose };
  } finally {
    closeSync(target);
  }
}

/** The process of the one agent that there is. */
function pidOfAgent(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.find((child) => statusOf(child).startsWith('Name:\tcaisson-agent\n')) as number;
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8');
}

test('an agent makes calls in the order they were asked for, answered or not', async () => {
  await using inside = await agentInContainer();
  const { agent } = inside;
  const made = Array.from({ length: 500 }, (_, index) => agent.call(mkdirat, AT_FDCWD, `/tmp/${index}`, 0o755));
  const again = agent.call(mkdirat, AT_FDCWD, '/tmp/499', 0o755);
  await expect(again).rejects.toMatchObject({ code: 'EEXIST', syscall: 'mkdirat', path: '/tmp/499' });
  expect(new Set(await Promise.all(made))).toEqual(new Set([0]));
});

test('what an agent opens can be used before that is known, and taken', async () => {
  await using inside = await agentInContainer();
  const { agent } = inside;
  const directory = agent.open(AT_FDCWD, '/tmp', { flags: O_RDONLY | O_DIRECTORY });
  const file = agent.open(directory.descriptor, 'file', { flags: O_RDWR | O_CREAT, mode: 0o600 });
  const value = Buffer.from('value');
  const read = Buffer.alloc(100);
  const [, , length, descriptor] = await Promise.all([
    file.opened,
    agent.call(fsetxattr, file.descriptor, 'user.key', value, value.length, 0),
    agent.call(fgetxattr, file.descriptor, 'user.key', read, read.length),
    agent.take(file),
    directory.close(),
    file.close(),
  ]);
  expect(read.toString('utf8', 0, length)).toBe('value');
  expect(readSync(descriptor, read)).toBe(0);
  closeSync(descriptor);

  const missing = agent.open(AT_FDCWD, '/nothing', { flags: O_RDONLY });
  const used = agent.take(missing);
  await expect(missing.opened).rejects.toMatchObject({ code: 'ENOENT', path: '/nothing' });
  await expect(used).rejects.toMatchObject({ code: 'EBADF' });
  await missing.close();
});

test('the greatest and the smallest of what is sent and answered arrive', async () => {
  await using inside = await agentInContainer();
  const { agent } = inside;
  const target = 'x'.repeat(4000);
  await Promise.all(Array.from({ length: 50 }, (_, index) => agent.call(symlinkat, target, AT_FDCWD, `/tmp/${index}`)));
  const lengths = Array.from({ length: 50 }, async (_, index) => {
    const buffer = Buffer.alloc(4096);
    const length = await agent.call(readlinkat, AT_FDCWD, `/tmp/${index}`, buffer, buffer.length);
    return buffer.toString('utf8', 0, length);
  });
  expect(new Set(await Promise.all(lengths))).toEqual(new Set([target]));
  const value = Buffer.alloc(64 * 1024);
  await expect(agent.call(fsetxattr, 0, 'user.key', value, value.length, 0)).rejects.toMatchObject({ code: /E/ });
  await expect(agent.call(unlinkat, AT_FDCWD, 'y'.repeat(200_000), 0)).rejects.toThrow(TypeError);
  await expect(agent.call(getpid)).rejects.toThrow('an agent makes no getpid');
  expect(await agent.call(unlinkat, AT_FDCWD, '/tmp/0', 0)).toBe(0);
});

test('calls that are not answered fail when the agent is closed or dies', async () => {
  await using inside = await agentInContainer();
  const { agent } = inside;
  process.kill(pidOfAgent(), 'SIGKILL');
  const calls = [agent.call(unlinkat, AT_FDCWD, '/a', 0), agent.call(unlinkat, AT_FDCWD, '/b', 0)];
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'AGENT_ENDED' });
  expect(agent.isOpen).toBe(false);
  await expect(agent.call(unlinkat, AT_FDCWD, '/c', 0)).rejects.toMatchObject({ code: 'AGENT_ENDED' });
});

test('no process of the container sees the agent, and it has no capability but over files', async () => {
  await using inside = await agentInContainer();
  const { container } = inside;
  const status = statusOf(pidOfAgent());
  // CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP.
  for (const set of ['CapPrm', 'CapEff']) expect(status).toMatch(new RegExp(`^${set}:\t000000008000001b$`, 'm'));
  expect(status).toMatch(/^CapInh:\t0+$/m);
  const { stdout } = await container.exec(sh('for each in /proc/[0-9]*; do read name < $each/comm; echo $name; done'));
  expect(stdout).toBe('sleep\nsh\n');
});

test('an agent that cannot enter says which step failed, and is gone', async () => {
  await using container = await Container.start(Image.host(), { command: ['sleep', '60'] });
  const { spec } = container.inspect();
  // It is neither a pidfd nor a namespace (man 2 setns): a step of the plan fails.
  const nothing = openSync('/dev/null', 'r');
  try {
    const entering = openAgent(compile(planAgentInContainer(spec as Spec)), nothing);
    await expect(entering).rejects.toMatchObject({ code: 'EINVAL', purpose: "entering the container's files" });
    expect(pidOfAgent()).toBeUndefined();
  } finally {
    closeSync(nothing);
  }
});
