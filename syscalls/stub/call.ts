/**
 * System calls in a user namespace. A process of many threads, such as Node, cannot enter one (man 2 setns); a clone of
 * this thread can, and shares this process's memory and descriptors, so what it opens is open here.
 *
 *     this thread                     clone
 *     ───────────                     ─────
 *     clone3(VM|VFORK|FILES) ───────▶ setns(user namespace)
 *       (waits)                       the calls, one after the other
 *     waitid          ◀────────────── exit_group
 *
 * It enters no other namespace and runs no other program: nobody in a container can see it.
 */

import { SyscallError } from '../error.ts';
import { architecture, loadKoffi } from '../libc.ts';
import { type Argument, variable } from '../memory.ts';
import { CLONE_FILES, CLONE_NEWUSER, setns } from '../namespaces.ts';
import { exit_group, P_PID, WEXITED, waitid } from '../process.ts';
import type { CallStep } from '../step.ts';
import { assemble } from './assemble.ts';
import { cloneThread } from './clone.ts';
import { LAUNCH_VARIABLES } from './compile.ts';
import { interpreterPage } from './page.ts';

/** How many calls go into one table, were their names as long as names can be. */
const CALLS_PER_CLONE = 128;

/**
 * Makes system calls with all capabilities of a user namespace, in order, whatever becomes of those before; returns
 * their results, or the negative error numbers. As in calls made now, the kernel writes into the buffers that are given.
 *
 * @param namespace the user namespace, as a descriptor; it must have been made by this user
 * @throws SyscallError when it cannot be entered; then no call was made
 */
export function callInNamespace(namespace: number, calls: readonly CallStep[]): number[] {
  const results: number[] = [];
  for (let at = 0; at < calls.length; at += CALLS_PER_CLONE) {
    results.push(...callOnce(namespace, calls.slice(at, at + CALLS_PER_CLONE)));
  }
  return results;
}

function callOnce(namespace: number, calls: readonly CallStep[]): number[] {
  const { pid } = LAUNCH_VARIABLES;
  const entered = variable('entered');
  const results = calls.map((_, index) => variable(`result ${index}`));
  const steps = cloneThread(
    CLONE_FILES,
    [
      setns.step('entering the user namespace', [namespace, CLONE_NEWUSER], { into: entered, onError: 'leave' }),
      ...calls.map((call, index) => ({ ...call, args: call.args.map(inPlace), into: results[index], onError: 'next' })),
      exit_group.step('leaving', [0], { label: 'leave' }),
    ],
    [waitid.step('waiting for the clone', [P_PID, pid, null, WEXITED, null], { onError: 'next' })],
  );
  const page = interpreterPage();
  const epilogue = [{ kind: 'return', value: pid, label: 'report' } as const];
  const program = assemble(steps, { arch: architecture(), base: page.base, epilogue });
  page.load(program.bytes);
  const made = page.run();
  const view = new DataView(page.table.buffer, page.table.byteOffset, page.table.byteLength);
  const resultIn = (name: string) => Number(view.getBigInt64(program.offsetOf(name) ?? 0, true));
  const refusal = made < 0 ? made : resultIn(entered.name);
  if (refusal < 0) {
    const syscall = made < 0 ? 'clone3' : 'setns';
    throw new SyscallError({ errno: -refusal, syscall, purpose: 'entering the user namespace' });
  }
  return results.map(({ name }) => resultIn(name));
}

/** The memory is one, so a buffer need not be copied into the table; and what is written to it is there afterwards. */
function inPlace(value: Argument): Argument {
  return value instanceof Uint8Array && value.length > 0 ? BigInt(loadKoffi().address(value)) : value;
}
