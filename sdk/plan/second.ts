/** Entering a PID namespace, which is for children only (man 2 setns). */
import {
  addressOf,
  CLONE_ARGS,
  CLONE_PARENT,
  CLONE_VFORK,
  CLONE_VM,
  clone3,
  equal,
  exit_group,
  REPORT_DESCRIPTOR,
  type Step,
  variable,
  write,
} from '../../syscalls/index.ts';

/** How many bytes tell the pid, on the report pipe. */
const PID_SIZE = 8;

/**
 * Makes a second process, which is in the PID namespace that this one has joined and can be seen there; this one cannot.
 * It tells the second's pid, as the owner counts, and ends: the second is the owner's child.
 *
 * @param steps those of the second, to its end
 * @param isExecuted whether that is an execve: until then the two share their memory, and the first waits. A keeper
 * gets a copy, and its pid is told at once
 */
export function inSecond(steps: readonly Step[], isExecuted: boolean): Step[] {
  const child = variable('pid of the process');
  const args = CLONE_ARGS.encode({ flags: CLONE_PARENT + (isExecuted ? CLONE_VM + CLONE_VFORK : 0) });
  return [
    clone3.step('making the process', [args, CLONE_ARGS.size], { into: child }),
    equal(child, 0, { otherwise: 'first' }),
    ...steps,
    write.step('telling the pid', [REPORT_DESCRIPTOR, addressOf(child), PID_SIZE], { label: 'first' }),
    exit_group.step('leaving the process to its owner', [0]),
  ];
}
