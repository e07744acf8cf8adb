/** How an agent gets among a container's files. */
import { type Compiled, close, compile, pidfd_open } from '../../syscalls/index.ts';
import { openAgent } from '../engine/agent.ts';
import { explainStart } from '../engine/explain.ts';
import { userNamespaceOf } from '../engine/user-namespace.ts';
import { planAgentInContainer, planAgentOfRoot } from '../plan/agent.ts';
import { hasNamespace, type Spec } from '../spec/spec.ts';
import type { Session } from './session.ts';

/** The plan depends on nothing else. */
const compiled = new Map<boolean, Compiled>();

/** Enters the files of a running container. */
export async function enterRunning(spec: Spec, initPid: number): Promise<Session> {
  const key = hasNamespace(spec, 'user');
  const plan = compiled.get(key) ?? compile(planAgentInContainer(spec));
  compiled.set(key, plan);
  const target = pidfd_open(initPid, 0);
  try {
    return sessionOf(spec, await openAgent(plan, target));
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
    return sessionOf(spec, await openAgent(compile(planAgentOfRoot(spec)), undefined, userNamespaceOf(spec)));
  } catch (error) {
    throw explainStart(error, { args: [], cwd: '/', spec });
  }
}

function sessionOf({ linux }: Spec, agent: Session['agent']): Session {
  return { agent, uids: linux.uidMappings, gids: linux.gidMappings };
}
