import type { Store } from '../../store/index.ts';
import { close, compile, pidfd_open } from '../../syscalls/index.ts';
import { planJoin, TARGET } from '../plan/join.ts';
import { normalizeProcess } from '../spec/normalize.ts';
import type { ContainerOptions, ProcessOptions } from '../spec/options.ts';
import { joinsNamespace, type Spec, type SpecProcess } from '../spec/spec.ts';
import { assertMapped, inGroups, resolveUser } from '../spec/user.ts';
import { readUserFiles } from '../spec/user-files.ts';
import { endOnAbort } from './abort.ts';
import type { Begun } from './ahead.ts';
import { type EndListener, type LaunchedInit, launchInit, startJoined, superviseInit } from './child.ts';
import { compileContainer } from './compile.ts';
import { takeClaim } from './decide-ids.ts';
import { isKept } from './end-signal.ts';
import { explainStart } from './explain.ts';
import { guard, needsGuard } from './guard.ts';
import { openNamespaces } from './open-namespaces.ts';
import type { Running } from './running.ts';
import { closeEnds, type Ends, openStdio, stdioOptions, wiringOf } from './stdio.ts';
import { userNamespaceOf } from './user-namespace.ts';

/** The first process of a container, launched. */
export interface LaunchedContainer extends Running {
  /**
   * Resolves when the command runs. Either this or `failure` is to be called, once.
   * @throws CaissonError, SyscallError when it could not be, the reason of the abort signal; then nothing of the process
   * is left
   */
  started(): Promise<void>;
}

/** What a container's first process is launched from. */
export interface LaunchParts {
  readonly store: Store;
  readonly id: string;
  readonly options: ContainerOptions;
  readonly stdin: 'pipe' | 'ignore';
  /** The process, where it was launched ahead and fits the spec. */
  readonly begun: Begun | undefined;
  readonly onEnd: EndListener;
}

/**
 * Launches the first process of a container.
 * @throws SyscallError when no process could be made
 */
export function launchContainer(spec: Spec, parts: LaunchParts): LaunchedContainer {
  const range = takeClaim(spec);
  try {
    const launched = launchDecided(spec, parts);
    if (range !== undefined) void launched.child.exited.then(range.release);
    return launched;
  } catch (error) {
    range?.release();
    throw error;
  }
}

function launchDecided(spec: Spec, { store, id, options, stdin, begun, onEnd }: LaunchParts): LaunchedContainer {
  const stdio = begun?.stdio ?? stdioOptions(options, stdin);
  const plan = compileContainer(spec, wiringOf(stdio), id, begun !== undefined);
  const attempt = { args: spec.process.args, cwd: spec.process.cwd, spec };
  const keeping = { onEnd, kept: isKept(spec), hasSecond: joinsNamespace(spec, 'pid') };
  const namespaces = openNamespaces(spec, store);
  const open = begun?.open ?? openStdio(stdio);
  let launched: LaunchedInit;
  try {
    if (begun === undefined) {
      const values = { ...open.values, ...userNamespaceOf(spec), ...namespaces.values };
      launched = launchInit(plan, values, keeping);
    } else {
      launched = superviseInit(begun.give(plan), plan, keeping);
      begun.leave();
    }
  } catch (error) {
    if (begun === undefined) open.abandon();
    throw explainStart(error, attempt);
  } finally {
    namespaces.close();
  }
  if (needsGuard(spec)) guard(launched.pidfd, launched.child.exited);
  const ends = open.connect();
  return {
    child: launched.child,
    ends,
    args: spec.process.args,
    stdin: stdio.stdin,
    signal: options.signal,
    async started() {
      const { signal } = options;
      const aborting = endOnAbort(launched.child, signal);
      try {
        await launched.started();
        // One that was ended before its command ran reports as little as one whose command runs.
        if (aborting.hasEnded) await launched.child.exited;
        signal?.throwIfAborted();
      } catch (error) {
        closeEnds(ends);
        throw signal?.aborted === true ? signal.reason : explainStart(error, attempt);
      } finally {
        aborting.release();
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
    const starting = startJoined(compiled, { ...open.values, [TARGET.name]: target }, isKept(spec));
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
  const { env, cwd, lastCapability } = spec.process;
  const { user, groups = [] } = options;
  const isAsked = user !== undefined || groups.length > 0;
  const files = isAsked ? readUserFiles([`/proc/${initPid}/root`]) : { passwd: [], group: [] };
  const resolved = user === undefined ? undefined : resolveUser(user, files);
  const others =
    resolved === undefined ? env : [...env.filter((each) => !each.startsWith('HOME=')), `HOME=${resolved.home}`];
  const home = resolved?.home ?? '/';
  const decided = inGroups({ ...(resolved ?? spec.process.user), home }, groups, files);
  assertMapped(decided, spec.linux, groups);
  return normalizeProcess(options, { user: decided, args, env: others, cwd, lastCapability });
}
