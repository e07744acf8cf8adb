/** How an agent gets among a container's files. */
import { type Compiled, close, compile, pidfd_open } from '../../syscalls/index.ts';
import { openAgent } from '../engine/agent.ts';
import { explainStart } from '../engine/explain.ts';
import { userNamespaceOf } from '../engine/user-namespace.ts';
import { ENTERED_BY_AGENTS, planAgentInContainer, planAgentOfRoot } from '../plan/agent.ts';
import { hasNamespace, type Spec } from '../spec/spec.ts';
import type { Session } from './session.ts';

/** The plan depends on nothing else. */
const compiled = new Map<string, Compiled>();

/** Enters the files of a running container. */
export async function enterRunning(spec: Spec, initPid: number): Promise<Session> {
  const key = ENTERED_BY_AGENTS.filter((type) => hasNamespace(spec, type)).join();
  const plan = compiled.get(key) ?? compile(planAgentInContainer(spec));
  compiled.set(key, plan);
  const target = pidfd_open(initPid, 0);
  try {
    return sessionOf(spec, await openAgent(plan, target), true);
  } finally {
    close(target);
  }
}

/**
 * Enters the files of a container that does not run, by mounting them.
 * @throws CaissonError, SyscallError as a start would
 */
export async function enterStopped(spec: Spec): Promise<Session> {
  try {
    const agent = await openAgent(compile(planAgentOfRoot(spec)), undefined, userNamespaceOf(spec));
    return sessionOf(spec, agent, false);
  } catch (error) {
    throw explainStart(error, { args: [], cwd: '/', spec });
  }
}

function sessionOf({ linux }: Spec, agent: Session['agent'], isRunning: boolean): Session {
  return { agent, isRunning, uids: linux.uidMappings, gids: linux.gidMappings, ids: linux.ids };
}
