/** The effects of a start, in order: look up, decide, plan, launch. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CaissonError, close, hasCode, pidfd_open } from '../../syscalls/index.ts';
import type { Image } from '../image.ts';
import { planContainer } from '../plan/container.ts';
import { planJoin, TARGET } from '../plan/join.ts';
import { Process } from '../process.ts';
import {
  isMapped,
  normalizeContainer,
  normalizeProcess,
  type ResolvedMount,
  type ResolvedUser,
} from '../spec/normalize.ts';
import type { ContainerOptions, Mount, ProcessOptions } from '../spec/options.ts';
import { processFacts } from '../spec/process-facts.ts';
import type { IdMapping, Spec, SpecProcess } from '../spec/spec.ts';
import { readUserFiles, resolveUser } from '../spec/user.ts';
import { type Child, startInit, startJoined } from './child.ts';
import { explainStart } from './explain.ts';
import { openStdio, type StdioOptions, stdioOptions, wiringOf } from './stdio.ts';

/** Looks up what a container's options mean on this machine, and decides its spec. */
export function decideContainer(image: Image, options: ContainerOptions, id: string, rootPath: string): Spec {
  const { layers, views } = image.root();
  const asked = options.user ?? image.config.User ?? '';
  const user = resolveUser(asked === '' ? 0 : asked, readUserFiles(layers.toReversed()));
  const spec = normalizeContainer(options, {
    id,
    facts: processFacts(),
    config: image.config,
    user,
    mounts: (options.mounts ?? []).map(resolveMount),
    rootPath,
    layers,
    views,
  });
  assertMapped(user, spec.linux.uidMappings, spec.linux.gidMappings);
  return spec;
}

/**
 * Starts the first process of a container.
 * @param onLaunched is called with the process once there is one, before its command runs
 * @throws CaissonError, SyscallError when it could not be; then nothing of it is left but its directories
 */
export async function startContainer(
  spec: Spec,
  options: ContainerOptions,
  stdin: 'pipe' | 'ignore',
  onLaunched: (child: Child) => void,
): Promise<Process> {
  const stdio = stdioOptions(options, stdin);
  const plan = planContainer(spec, wiringOf(stdio));
  const launch = (values: Readonly<Record<string, number>>) => startInit(plan, values, onLaunched);
  return startProcess(spec, spec.process, stdio, options.signal, launch);
}

/**
 * Starts a process in a running container.
 *
 * @param init the container's first process
 * @throws CaissonError, SyscallError when it could not be; then nothing of it is left
 */
export async function joinContainer(
  spec: Spec,
  init: Process,
  args: readonly string[],
  options: ProcessOptions,
  stdin: 'pipe' | 'ignore',
): Promise<Process> {
  const process = decideProcess(spec, init, args, options);
  const stdio = stdioOptions(options, stdin);
  const plan = planJoin(spec, process, wiringOf(stdio));
  const target = pidfd_open(init.pid, 0);
  try {
    const launch = (values: Readonly<Record<string, number>>) => startJoined(plan, { ...values, [TARGET.name]: target });
    return await startProcess(spec, process, stdio, options.signal, launch);
  } finally {
    close(target);
  }
}

/** Decides a process from the container's own, and its files as they are now. */
function decideProcess(spec: Spec, init: Process, args: readonly string[], options: ProcessOptions): SpecProcess {
  const { env, cwd, user, lastCapability } = spec.process;
  const resolved = options.user === undefined ? undefined : resolveUser(options.user, readUserFiles([`/proc/${init.pid}/root`]));
  const others = resolved === undefined ? env : [...env.filter((each) => !each.startsWith('HOME=')), `HOME=${resolved.home}`];
  const home = resolved?.home ?? '/';
  assertMapped(resolved ?? user, spec.linux.uidMappings, spec.linux.gidMappings);
  return normalizeProcess(options, { user: { ...(resolved ?? user), home }, args, env: others, cwd, lastCapability });
}

async function startProcess(
  spec: Spec,
  process: SpecProcess,
  stdio: StdioOptions,
  signal: AbortSignal | undefined,
  launch: (values: Readonly<Record<string, number>>) => Promise<Child>,
): Promise<Process> {
  signal?.throwIfAborted();
  const open = openStdio(stdio);
  let starting: Promise<Child>;
  try {
    starting = launch(open.values);
  } catch (error) {
    open.abandon();
    throw error;
  }
  const streams = open.connect();
  try {
    const child = await starting;
    return new Process({ child, streams, args: process.args, stdin: stdio.stdin, signal });
  } catch (error) {
    for (const stream of [streams.stdin, streams.stdout, streams.stderr]) stream?.destroy();
    signal?.throwIfAborted();
    throw explainStart(error, { args: process.args, cwd: process.cwd, spec });
  }
}

function resolveMount(mount: Mount, index: number): ResolvedMount {
  if (mount.type === 'tmpfs') return { ...mount, kind: 'directory' };
  const source = resolve(mount.source);
  try {
    return { ...mount, source, kind: statSync(source).isDirectory() ? 'directory' : 'file' };
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) throw cause;
    const message = `mounts[${index}]: there is no '${source}' on this machine to bind at '${mount.target}'`;
    throw new CaissonError('BIND_SOURCE_NOT_FOUND', message, { cause });
  }
}

function assertMapped({ uid, gid }: Pick<ResolvedUser, 'uid' | 'gid'>, uids: readonly IdMapping[], gids: readonly IdMapping[]): void {
  if (isMapped(uid, uids) && isMapped(gid, gids)) return;
  throw new CaissonError('USER_NOT_MAPPED', `user ${uid}:${gid} does not exist in a user namespace of one id`, {
    hint: 'without root, a container has the one user 0',
  });
}
