/**
 * A container's first process, launched ahead: it makes its network namespace, which takes longest, and the file systems that
 * every container has, while this thread decides all the rest. So a start takes as long as the longer of the two.
 */
import {
  CaissonError,
  type Compiled,
  close,
  compile,
  giveRest,
  type Launched,
  launch,
  POLLIN,
  SyscallError,
} from '../../syscalls/index.ts';
import { beginningKey, beginsAs, type Foreseen, planAhead, REST } from '../plan/beginning.ts';
import type { Wiring } from '../plan/launch.ts';
import type { ContainerOptions } from '../spec/options.ts';
import type { Spec } from '../spec/spec.ts';
import { superviseChild } from './child.ts';
import type { ReadyPlan } from './compile.ts';
import { foresee } from './foresee.ts';
import { openBlockingPipe, pollNow } from './pipe.ts';
import { type OpenStdio, openStdio, type StdioOptions, stdioOptions, wiringOf } from './stdio.ts';
import { userNamespaceOfThread } from './user-namespace.ts';

/** A first process that waits for the rest of its plan. */
export interface Begun {
  readonly stdio: StdioOptions;
  readonly open: OpenStdio;
  /** Whether a spec begins as it does. */
  fits(spec: Spec): boolean;
  /** Gives it the rest. @throws CaissonError KILLED when somebody has ended it */
  give(plan: ReadyPlan): Launched;
  /** From here on it is the caller's, with all descriptors. */
  leave(): void;
  /** Ends it, unless it is somebody else's; resolves when nothing of it is left. */
  abandon(): Promise<void>;
}

/**
 * Launches the first process of a container whose options have been checked; undefined where what it begins with is not
 * known before it is decided. That it cannot be launched is met again by who launches it then, and explained.
 */
export function beginContainer(options: ContainerOptions, stdin: 'pipe' | 'ignore'): Begun | undefined {
  try {
    const foreseen = foresee(options);
    return foreseen && launchAhead(foreseen, stdioOptions(options, stdin));
  } catch (error) {
    if (error instanceof SyscallError || error instanceof CaissonError) return undefined;
    throw error;
  }
}

function launchAhead(foreseen: Foreseen, stdio: StdioOptions): Begun {
  const compiled = compileAhead(foreseen, wiringOf(stdio));
  const open = openStdio(stdio);
  try {
    const rest = openBlockingPipe('in');
    try {
      const values = { ...open.values, ...userNamespaceOfThread(foreseen.linux), [REST.name]: rest.theirs };
      const launched = launch(compiled, values);
      return begun({ foreseen, launched, rest: rest.ours, stdio, open });
    } catch (error) {
      close(rest.ours);
      throw error;
    } finally {
      close(rest.theirs);
    }
  } catch (error) {
    open.abandon();
    throw error;
  }
}

interface BegunParts extends Pick<Begun, 'stdio' | 'open'> {
  readonly foreseen: Foreseen;
  readonly launched: Launched;
  readonly rest: number;
}

function begun({ foreseen, launched, rest, stdio, open }: BegunParts): Begun {
  let isOurs = true;
  return {
    stdio,
    open,
    fits: (spec) => beginsAs(spec, foreseen),
    give(plan) {
      const isTaken = giveRest(rest, plan.compiled, plan.rest);
      const hasReport = () => (pollNow(launched.report) & POLLIN) !== 0;
      if (isTaken || hasReport()) return launched;
      throw new CaissonError('KILLED', 'the process was ended while the container was being decided');
    },
    leave() {
      close(rest);
      isOurs = false;
    },
    async abandon() {
      if (!isOurs) return;
      isOurs = false;
      close(rest);
      close(launched.report);
      open.abandon();
      const { exited, end } = superviseChild(launched.pid, launched.pidfd);
      end();
      await exited;
    },
  };
}

/** What containers begin with, compiled, by all that it depends on. There are few kinds of them, so all are kept. */
const beginnings = new Map<string, Compiled>();

function compileAhead(foreseen: Foreseen, wiring: Wiring): Compiled {
  const key = `${beginningKey(foreseen)} ${JSON.stringify(wiring)}`;
  let compiled = beginnings.get(key);
  if (compiled === undefined) {
    compiled = compile(planAhead(foreseen, wiring));
    beginnings.set(key, compiled);
  }
  return compiled;
}
