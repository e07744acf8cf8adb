/** A supervisor's part in the health of its container: the stub that checks it (health.ts), anew with each of its runs. */
import {
  add,
  close,
  equal,
  LAUNCH_VARIABLES,
  type Label,
  label,
  type OnError,
  type Step,
  shift,
  variable,
  wait4,
} from '../../syscalls/index.ts';
import { HEALTH_DIRECTORY, HEALTH_STUB, HEALTH_TARGET } from './health.ts';
import { SUPERVISOR } from './supervisor-memory.ts';

/** What a supervisor needs to have its container's health checked. */
export interface SupervisedHealth {
  /** The launching part of the health check's plan. */
  readonly steps: readonly Step[];
}

/** The descriptors that a supervisor has for it, in this order: the images of two stubs. */
export const HEALTH_DESCRIPTORS = ['health stub', 'check stub'] as const;

const checker = variable('pid of the health check');

/**
 * Launches the stub, a child of the supervisor. The container's own process stays the one that the launch's variables
 * name.
 * @param first the number of the first of {@link HEALTH_DESCRIPTORS}
 */
export function startHealth({ steps }: SupervisedHealth, first: number): Step[] {
  const { image, pid, pidfd, report } = LAUNCH_VARIABLES;
  const [container, held, sign] = [
    variable('pid of the container'),
    variable('its pidfd'),
    variable('sign of the pid'),
  ];
  return [
    add(pid, 0, container),
    add(pidfd, 0, held),
    add(first, 0, image),
    // Whether it runs is nobody's concern: /dev/null.
    add(0, 0, report),
    add(held, 0, HEALTH_TARGET),
    add(SUPERVISOR.directory, 0, HEALTH_DIRECTORY),
    add(first + 1, 0, HEALTH_STUB),
    ...steps.map((step) => relabel(step, 'health')),
    add(pid, 0, checker),
    shift(pid, 63, sign),
    equal(sign, 1, { next: 'no health check' }),
    close.step('letting go of the health check', [pidfd], { onError: 'next' }),
    label('no health check'),
    add(container, 0, pid),
    add(held, 0, pidfd),
  ];
}

/** Reaps the stub, which ends with the container. */
export function reapHealth(): Step[] {
  return [wait4.step('reaping the health check', [checker, null, 0, null], { onError: 'next' })];
}

/** Two launches in one program have the same labels. */
function relabel(step: Step, prefix: string): Step {
  const renamed = <T extends Label | undefined>(name: T): T => {
    return (name === undefined || name === 'next' || name === 'report' ? name : `${prefix}: ${name}`) as T;
  };
  if (step.kind === 'label') return { ...step, label: renamed(step.label) };
  if (step.kind === 'equal') {
    return { ...step, label: renamed(step.label), next: renamed(step.next), otherwise: renamed(step.otherwise) };
  }
  const branches = { label: renamed(step.label), next: renamed(step.next) };
  if (step.kind !== 'call') return { ...step, ...branches };
  return { ...step, ...branches, onError: renamedErrors(step.onError, renamed) };
}

function renamedErrors(onError: OnError | undefined, renamed: (name: Label) => Label): OnError | undefined {
  if (onError === undefined || typeof onError === 'string') return onError && renamed(onError);
  return Object.fromEntries(Object.entries(onError).map(([code, name]) => [code, renamed(name)]));
}
