/** The steps that launches have in common: this thread is cloned, and the clone enters the stub. */
import { constants } from 'node:os';
import { AT_EMPTY_PATH, AT_FDCWD, dup3, F_DUPFD_CLOEXEC, fcntl, O_CLOEXEC, O_RDWR, openat } from '../files.ts';
import { type Argument, addressOf, memory, stringArray, variable } from '../memory.ts';
import { CLONE_ARGS, CLONE_CLEAR_SIGHAND, CLONE_PARENT, CLONE_VFORK, CLONE_VM, clone3 } from '../namespaces.ts';
import { execveat, rt_sigprocmask, SIG_SETMASK, SIGSET_SIZE } from '../process.ts';
import { type CallStep, equal, label, type Step, type StepOptions } from '../step.ts';
import { LAUNCH_VARIABLES } from './compile.ts';
import { PARENT_LABEL } from './launch.ts';

/** What each of a stub's descriptors is: a variable of the launch, a number, or `/dev/null`. From descriptor 0 on. */
export type Descriptor = 'null' | Argument;

/** Descriptors below this are where the stub's own go, so what is to be moved is moved above it first. */
const HIGH_DESCRIPTOR = 64;

const ALL_SIGNALS = memory(new Uint8Array(SIGSET_SIZE).fill(0xff), [], () => '~[]');
const AFTER_LABEL = 'after the clone';

/**
 * Clones this thread, which waits until the clone has entered the stub or ended: until then they share memory.
 *
 * @param flags of clone3(2), besides those that make it so
 * @param child what the clone does, to its end
 * @param after what this thread does then
 */
export function cloneThread(flags: number, child: readonly Step[], after: readonly Step[] = []): Step[] {
  const { pid } = LAUNCH_VARIABLES;
  const saved = memory(new Uint8Array(SIGSET_SIZE), [], () => '[…]');
  return [
    // A handler of Node's must not run in the clone, on Node's memory.
    rt_sigprocmask.step('blocking signals', [SIG_SETMASK, ALL_SIGNALS, saved, SIGSET_SIZE]),
    cloneOnce(flags, { into: pid, onError: PARENT_LABEL }),
    equal(pid, 0, { otherwise: after.length === 0 ? PARENT_LABEL : AFTER_LABEL }),
    ...child,
    ...(after.length === 0 ? [] : [label(AFTER_LABEL), ...after]),
    rt_sigprocmask.step('restoring signals', [SIG_SETMASK, saved, null, SIGSET_SIZE], { label: PARENT_LABEL }),
  ];
}

/** One clone, which shares the memory of who makes it; who makes it waits. */
export function cloneOnce(flags: number, options: StepOptions): CallStep {
  // A clone with the parent of who makes it takes that one's signal, too.
  const signal = (flags & CLONE_PARENT) === 0 ? { exit_signal: constants.signals.SIGCHLD } : {};
  const args = CLONE_ARGS.encode({
    flags: CLONE_VM + CLONE_VFORK + CLONE_CLEAR_SIGHAND + flags,
    pidfd: addressOf(LAUNCH_VARIABLES.pidfd),
    ...signal,
  });
  return clone3.step('making the process', [args, CLONE_ARGS.size], options);
}

/** Enters the stub with these descriptors, and no others that were to be closed on exec. */
export function enterStub(descriptors: readonly Descriptor[]): Step[] {
  const { image } = LAUNCH_VARIABLES;
  return [
    ...wireDescriptors(descriptors),
    execveat.step('entering the stub', [image, '', stringArray(['caisson']), stringArray([]), AT_EMPTY_PATH]),
  ];
}

/** First everything up, then everything down: so no descriptor is overwritten before it was moved. */
function wireDescriptors(descriptors: readonly Descriptor[]): Step[] {
  const nowhere = variable('/dev/null');
  const opened: Step[] = descriptors.includes('null')
    ? [openat.step('opening /dev/null', [AT_FDCWD, '/dev/null', O_RDWR | O_CLOEXEC, 0], { into: nowhere })]
    : [];
  const sources = descriptors.map((descriptor) => (descriptor === 'null' ? nowhere : descriptor));
  const moved = sources.map((_, target) => variable(`descriptor ${target}`));
  const up = sources.map((source, target) => {
    const args = [source, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR] as const;
    return fcntl.step(`moving descriptor ${target} aside`, args, { into: moved[target] });
  });
  const down = moved.map((source, target) => dup3.step(`setting descriptor ${target}`, [source, target, 0]));
  return [...opened, ...moveImage(), ...up, ...down];
}

/** The image itself could stand in the way, in a process with few descriptors. */
function moveImage(): Step[] {
  const { image } = LAUNCH_VARIABLES;
  return [fcntl.step('moving the stub aside', [image, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR], { into: image })];
}
