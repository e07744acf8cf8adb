/**
 * A container's first process, launched ahead: it makes what takes longest, its network namespace, while this thread
 * decides all the rest. So a start takes as long as the longer of the two.
 */
import {
  type Compiled,
  close,
  compile,
  giveRest,
  type Launched,
  launch,
  O_CLOEXEC,
  pipe2,
} from '../../syscalls/index.ts';
import { planAhead, REST } from '../plan/beginning.ts';
import { isLaunchedAhead } from '../plan/container.ts';
import type { LaunchedNamespaces, Wiring } from '../plan/launch.ts';
import type { ContainerOptions } from '../spec/options.ts';
import type { Spec } from '../spec/spec.ts';
import { superviseChild } from './child.ts';
import type { ReadyPlan } from './compile.ts';
import { foresee } from './foresee.ts';
import { type OpenStdio, openStdio, type StdioOptions, stdioOptions, wiringOf } from './stdio.ts';

/** A first process that waits for the rest of its plan. */
export interface Begun {
  readonly stdio: StdioOptions;
  readonly open: OpenStdio;
  /** Whether a spec is of the namespaces that it has. */
  fits(spec: Spec): boolean;
  /** Gives it the rest: from here on it is the caller's, with its descriptors. */
  give(plan: ReadyPlan): Launched;
  /** Ends it, unless it has been given the rest; resolves when nothing of it is left. */
  abandon(): Promise<void>;
}

/**
 * Launches the first process of a container whose options have been checked; undefined where what it begins with is not
 * known before it is decided. That it cannot be launched is met again by who launches it then, and explained.
 */
export function beginContainer(options: ContainerOptions, stdin: 'pipe' | 'ignore'): Begun | undefined {
  const linux = foresee(options);
  if (linux === undefined) return undefined;
  const stdio = stdioOptions(options, stdin);
  const wiring = wiringOf(stdio);
  const open = openStdio(stdio);
  const rest = openBlockingPipe();
  try {
    const launched = launch(compileAhead(linux, wiring), { ...open.values, [REST.name]: rest.read });
    return begun({ linux, launched, rest: rest.write, stdio, open });
  } catch {
    close(rest.write);
    open.abandon();
    return undefined;
  } finally {
    close(rest.read);
  }
}

interface BegunParts extends Pick<Begun, 'stdio' | 'open'> {
  readonly linux: LaunchedNamespaces;
  readonly launched: Launched;
  readonly rest: number;
}

function begun({ linux, launched, rest, stdio, open }: BegunParts): Begun {
  let isOurs = true;
  return {
    stdio,
    open,
    fits: (spec) => isLaunchedAhead(spec) && keyOf(spec.linux) === keyOf(linux),
    give(plan) {
      giveRest(rest, plan.compiled, plan.rest);
      close(rest);
      isOurs = false;
      return launched;
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

function keyOf({ namespaces, uidMappings, gidMappings }: LaunchedNamespaces): string {
  return JSON.stringify([namespaces, uidMappings, gidMappings]);
}

/** What containers begin with, by all that it depends on: there are not many kinds of them. */
const beginnings = new Map<string, Compiled>();

function compileAhead(linux: LaunchedNamespaces, wiring: Wiring): Compiled {
  const key = `${keyOf(linux)} ${JSON.stringify(wiring)}`;
  let compiled = beginnings.get(key);
  if (compiled === undefined) {
    compiled = compile(planAhead(linux, wiring));
    beginnings.set(key, compiled);
  }
  return compiled;
}

/** Who writes to it waits where it is full, for a process that is about to read. */
function openBlockingPipe(): { readonly read: number; readonly write: number } {
  const ends = new Uint32Array(2);
  pipe2(new Uint8Array(ends.buffer), O_CLOEXEC);
  const [read, write] = ends as unknown as [number, number];
  return { read, write };
}
