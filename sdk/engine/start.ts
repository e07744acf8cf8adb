import { close, compile, pidfd_open } from '../../syscalls/index.ts';
import { planJoin, TARGET } from '../plan/join.ts';
import { normalizeProcess } from '../spec/normalize.ts';
import type { ContainerOptions, ProcessOptions } from '../spec/options.ts';
import { processFacts } from '../spec/process-facts.ts';
import type { Spec, SpecProcess } from '../spec/spec.ts';
import { assertMapped, readUserFiles, resolveUser } from '../spec/user.ts';
import { type LaunchedInit, launchInit, startJoined } from './child.ts';
import { compileContainer } from './compile.ts';
import { explainStart } from './explain.ts';
import type { Running } from './running.ts';
import { closeEnds, type Ends, openStdio, stdioOptions, wiringOf } from './stdio.ts';
import { userNamespaceOf } from './user-namespace.ts';

/** The first process of a container, launched. */
export interface LaunchedContainer extends Running {
  /**
   * Resolves when the command runs. Either this or `failure` is to be called, once.
   * @throws CaissonError, SyscallError when it could not be; then nothing of the process is left
   */
  started(): Promise<void>;
}

/**
 * Launches the first process of a container.
 * @throws SyscallError when no process could be made
 */
export function launchContainer(
  spec: Spec,
  id: string,
  options: ContainerOptions,
  stdin: 'pipe' | 'ignore',
): LaunchedContainer {
  const stdio = stdioOptions(options, stdin);
  const plan = compileContainer(spec, wiringOf(stdio), id);
  const attempt = { args: spec.process.args, cwd: spec.process.cwd, spec };
  const open = openStdio(stdio);
  let launched: LaunchedInit;
  try {
    launched = launchInit(plan, { ...open.values, ...userNamespaceOf(spec) });
  } catch (error) {
    open.abandon();
    throw explainStart(error, attempt);
  }
  const ends = open.connect();
  return {
    child: launched.child,
    ends,
    args: spec.process.args,
    stdin: stdio.stdin,
    signal: options.signal,
    async started() {
      try {
        await launched.started();
      } catch (error) {
        closeEnds(ends);
        throw explainStart(error, attempt);
      }
    },
    failure() {
      const failure = launched.failure();
      return failure === undefined ? undefined : explainStart(failure, attempt);
    },
  };
}

/**
 * Starts a process in a running container; resolves when its command runs.
 *
 * @param initPid the container's first process
 * @throws CaissonError, SyscallError when it could not be; then nothing of it is left
 */
export async function joinContainer(
  spec: Spec,
  initPid: number,
  args: readonly string[],
  options: ProcessOptions,
  stdin: 'pipe' | 'ignore',
): Promise<Running> {
  const { signal } = options;
  signal?.throwIfAborted();
  const process = decideProcess(spec, initPid, args, options);
  const stdio = stdioOptions(options, stdin);
  const compiled = compile(planJoin(spec, process, wiringOf(stdio)));
  const target = pidfd_open(initPid, 0);
  const open = openStdio(stdio);
  let ends: Ends | undefined;
  try {
    const starting = startJoined(compiled, { ...open.values, [TARGET.name]: target });
    ends = open.connect();
    return { child: await starting, ends, args, stdin: stdio.stdin, signal };
  } catch (error) {
    if (ends !== undefined) closeEnds(ends);
    throw explainStart(error, { args, cwd: process.cwd, spec });
  } finally {
    close(target);
  }
}

/** Decides a process from the container's own, and its files as they are now. */
function decideProcess(spec: Spec, initPid: number, args: readonly string[], options: ProcessOptions): SpecProcess {
  const { env, cwd, user, lastCapability } = spec.process;
  const resolved =
    options.user === undefined ? undefined : resolveUser(options.user, readUserFiles([`/proc/${initPid}/root`]));
  const others =
    resolved === undefined ? env : [...env.filter((each) => !each.startsWith('HOME=')), `HOME=${resolved.home}`];
  const home = resolved?.home ?? '/';
  assertMapped(resolved ?? user, processFacts('prepare'));
  return normalizeProcess(options, { user: { ...(resolved ?? user), home }, args, env: others, cwd, lastCapability });
}
