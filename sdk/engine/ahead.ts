/**
 * A container's first process, launched ahead: it makes its network namespace, which takes longest, and the file systems that
 * every container has, while this thread decides all the rest. So a start takes as long as the longer of the two.
 */
import {
  atExit,
  CaissonError,
  type Compiled,
  close,
  compile,
  giveRest,
  type Launched,
  launch,
  O_CLOEXEC,
  openImage,
  pipe2,
  SyscallError,
} from '../../syscalls/index.ts';
import { type Foreseen, planAhead, REST } from '../plan/beginning.ts';
import { isLaunchedAhead } from '../plan/container.ts';
import type { Wiring } from '../plan/launch.ts';
import { isOwnFileSystem } from '../plan/mounts.ts';
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
  /** Whether a spec begins as it does. */
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
  const foreseen = foresee(options);
  if (foreseen === undefined) return undefined;
  try {
    return launchAhead(foreseen, stdioOptions(options, stdin));
  } catch (error) {
    if (error instanceof SyscallError || error instanceof CaissonError) return undefined;
    throw error;
  }
}

function launchAhead(foreseen: Foreseen, stdio: StdioOptions): Begun {
  const { compiled, image } = beginningOf(foreseen, wiringOf(stdio));
  const open = openStdio(stdio);
  try {
    const rest = openBlockingPipe();
    try {
      const launched = launch(compiled, { ...open.values, [REST.name]: rest.read }, { opened: image });
      return begun({ foreseen, launched, rest: rest.write, stdio, open });
    } catch (error) {
      close(rest.write);
      throw error;
    } finally {
      close(rest.read);
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
    fits: (spec) => isLaunchedAhead(spec) && keyOf(spec) === keyOf(foreseen),
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

/** All that a beginning depends on, besides its descriptors. */
function keyOf({ linux: { namespaces, uidMappings, gidMappings }, mounts }: Foreseen): string {
  const own = mounts.filter((specMount) => isOwnFileSystem({ specMount }));
  return JSON.stringify([namespaces, uidMappings, gidMappings, own]);
}

/** What containers begin with, compiled. */
interface Beginning {
  readonly compiled: Compiled;
  /** The stub, open for as long as it is kept: there is nothing in it that is one container's. */
  readonly image: number;
}

/** How many are kept. There are not many kinds of them: some namespaces, and whether there is a terminal. */
const MAX_BEGINNINGS = 8;

/** Of this thread, by all that they depend on; the least recently made first. */
const beginnings = new Map<string, Beginning>();

function beginningOf(foreseen: Foreseen, wiring: Wiring): Beginning {
  const key = `${keyOf(foreseen)} ${JSON.stringify(wiring)}`;
  let beginning = beginnings.get(key);
  if (beginning === undefined) {
    const compiled = compile(planAhead(foreseen, wiring));
    beginning = { compiled, image: openImage(compiled.image) };
    if (beginnings.size === 0) atExit(() => forgetBeginnings(0));
    beginnings.set(key, beginning);
    forgetBeginnings(MAX_BEGINNINGS);
  }
  return beginning;
}

function forgetBeginnings(most: number): void {
  for (const [key, { image }] of beginnings) {
    if (beginnings.size <= most) return;
    beginnings.delete(key);
    close(image);
  }
}

/** Who writes to it waits where it is full, for a process that is about to read. */
function openBlockingPipe(): { readonly read: number; readonly write: number } {
  const ends = new Uint32Array(2);
  pipe2(new Uint8Array(ends.buffer), O_CLOEXEC);
  const [read, write] = ends as unknown as [number, number];
  return { read, write };
}
