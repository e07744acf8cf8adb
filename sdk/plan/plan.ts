/** A plan as a user sees it: every system call, in order, before any is made. */
import { inspect } from 'node:util';
import { formatArgument, formatCall, type Program, type Step } from '../../syscalls/index.ts';

/** The ordered list of system calls that a spec comes to. */
export interface Plan extends Program {
  /** All steps, the launching part first; the `step` of an error is an index into them. */
  readonly steps: readonly Step[];
  /** One line a step, as strace(1) prints calls, with what it is for. */
  toString(): string;
}

/** The plan of a program. */
export function planOf({ launch, stub, ahead }: Program): Plan {
  const steps = [...launch, ...stub];
  const print = () => steps.map(formatStep).join('\n');
  const plan = { launch, stub, ahead, steps, toString: print, [inspect.custom]: print };
  return plan;
}

function formatStep(step: Step, index: number): string {
  if (step.kind === 'label') return `      ${step.label}:`;
  const label = step.label === undefined ? '' : `${step.label}: `;
  return `${String(index).padStart(4)}  ${label}${formatAction(step)}`;
}

function formatAction(step: Exclude<Step, { kind: 'label' }>): string {
  if (step.kind === 'equal') {
    const [left, right] = [formatArgument(step.left), formatArgument(step.right)];
    const { next = 'next', otherwise = 'next' } = step;
    return next === otherwise ? `goto ${next}` : `if ${left} == ${right} goto ${next} else ${otherwise}`;
  }
  if (step.kind === 'call') {
    const result = step.into === undefined ? '' : `${step.into.name} = `;
    return `${result}${formatCall(step.call, step.args)}  # ${step.purpose}${formatBranches(step)}`;
  }
  const operator = { add: '+', and: '&', shift: '>>' }[step.kind];
  return `${step.into.name} = ${formatArgument(step.left)} ${operator} ${formatArgument(step.right)}`;
}

function formatBranches({ next, onError }: Extract<Step, { kind: 'call' }>): string {
  const errors =
    typeof onError === 'object' ? Object.entries(onError) : onError === undefined ? [] : [['error', onError]];
  const branches = [...(next === undefined ? [] : [['then', next]]), ...errors];
  return branches.map(([condition, label]) => `; ${condition}: ${label}`).join('');
}
