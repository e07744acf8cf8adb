/** The steps a plan is made of: system calls and the little that is needed between them. */

import type { Declaration } from './define.ts';
import type { Argument, Variable } from './memory.ts';

/** A place to go on at: the label of a step, or `'next'` for the step that follows. */
export type Label = string;

/** What to do when a step's call fails: go to a label, by error name or whatever the error is. Else: report and end. */
export type OnError = Label | Readonly<Record<string, Label>>;

/** What may be said of a step besides its call. */
export interface StepOptions {
  /** A name for other steps to go to. */
  readonly label?: Label | undefined;
  /** Where the result goes: the return value, or the negative error number. */
  readonly into?: Variable | undefined;
  /** Where to go on after success. @default 'next' */
  readonly next?: Label | undefined;
  /** Where to go on after a failure. @default the failure is reported and the process ends */
  readonly onError?: OnError | undefined;
}

/** A system call. */
export interface CallStep extends StepOptions {
  readonly kind: 'call';
  readonly call: Declaration;
  readonly args: readonly Argument[];
  /** What it is for, in words that complete "it failed while …": `'mounting proc'`. */
  readonly purpose: string;
}

/** `into = left + right`, `left & right` or `left >>> right`, on 64 bits. */
export interface ComputeStep {
  readonly kind: 'add' | 'and' | 'shift';
  readonly left: Argument;
  readonly right: Argument;
  readonly into: Variable;
  readonly label?: Label | undefined;
  readonly next?: Label | undefined;
}

/** Goes to one label when `left` equals `right` on 64 bits, else to another. */
export interface EqualStep {
  readonly kind: 'equal';
  readonly left: Argument;
  readonly right: Argument;
  readonly label?: Label | undefined;
  /** Where to go on when they are equal. @default 'next' */
  readonly next?: Label | undefined;
  /** Where to go on when they are not. @default 'next' */
  readonly otherwise?: Label | undefined;
}

/** A name for the step that follows; nothing happens here. */
export interface LabelStep {
  readonly kind: 'label';
  readonly label: Label;
}

/** One entry of a plan. */
export type Step = CallStep | ComputeStep | EqualStep | LabelStep;

/** `into = left + right`. */
export function add(
  left: Argument,
  right: Argument,
  into: Variable,
  options: Pick<StepOptions, 'label' | 'next'> = {},
): Step {
  return { kind: 'add', left, right, into, ...options };
}

/** `into = left & right`. */
export function and(
  left: Argument,
  right: Argument,
  into: Variable,
  options: Pick<StepOptions, 'label' | 'next'> = {},
): Step {
  return { kind: 'and', left, right, into, ...options };
}

/** `into = left >>> right`. */
export function shift(
  left: Argument,
  right: Argument,
  into: Variable,
  options: Pick<StepOptions, 'label' | 'next'> = {},
): Step {
  return { kind: 'shift', left, right, into, ...options };
}

/** Goes to `next` when `left` equals `right`, else to `otherwise`. */
export function equal(
  left: Argument,
  right: Argument,
  branches: Pick<EqualStep, 'label' | 'next' | 'otherwise'>,
): Step {
  return { kind: 'equal', left, right, ...branches };
}

/** Goes to a label. */
export function jump(to: Label): Step {
  return { kind: 'equal', left: 0, right: 0, next: to, otherwise: to };
}

/** Names the step that follows. */
export function label(name: Label): Step {
  return { kind: 'label', label: name };
}
