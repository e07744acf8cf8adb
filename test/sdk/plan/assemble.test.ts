/** Every plan is a program: its labels are there, and what its steps use has been given by others. */
import { describe, expect, test } from 'vitest';
import { planContainer } from '../../../sdk/plan/container.ts';
import { planJoin, TARGET } from '../../../sdk/plan/join.ts';
import { USER_NAMESPACE } from '../../../sdk/plan/launch.ts';
import type { Plan } from '../../../sdk/plan/plan.ts';
import type { ContainerOptions } from '../../../sdk/spec/options.ts';
import {
  type Architecture,
  type Argument,
  assemble,
  elfImage,
  exit_group,
  isKind,
  LAUNCH_VARIABLES,
  MACHINES,
  reportTo,
  TABLE_ADDRESS,
  write,
} from '../../../syscalls/index.ts';
import { PIPES, ROOT, ROOTLESS, SUBORDINATE, specOf, TERMINAL } from './specs.ts';

const MANY_LAYERS = Array.from({ length: 130 }, (_, index) => `/store/layers/${String(index).padStart(64, '0')}`);

const CHOICES = {
  facts: [ROOT, ROOTLESS, SUBORDINATE],
  tty: [false, true],
  init: [false, true],
  readOnly: [false, true],
  upper: ['disk', 'tmpfs'],
  network: ['none', 'host'],
  layers: [['/store/layers/1'], MANY_LAYERS, ['/a:b', '/c,d', '/e\\f']],
  views: [
    [],
    [
      { source: '/usr', target: '/usr' },
      { source: '/usr/lib', target: '/lib/modules' },
    ],
  ],
} as const;

type Combination = { readonly [K in keyof typeof CHOICES]: (typeof CHOICES)[K][number] };

const OPTIONS: ContainerOptions = {
  command: ['sh', '-c', 'true'],
  workdir: '/a/b/c',
  mounts: [
    { type: 'bind', source: '/data', target: '/data', readOnly: true },
    { type: 'bind', source: '/etc/hosts', target: '/etc/hosts' },
    { type: 'tmpfs', target: '/tmp', sizeBytes: 4096 },
    { type: 'tmpfs', target: '/tmp' },
  ],
};

test('every combination of options is a program for both machines', () => {
  const all = combinations();
  expect(all).toHaveLength(576);
  for (const combination of all) expectProgram(planOf(combination));
});

describe('a process that joins a container', () => {
  test.each([
    ['as root', ROOT, false],
    ['as root, with a terminal', ROOT, true],
    ['without root', ROOTLESS, false],
    ['without root, with a terminal', ROOTLESS, true],
    ['with subordinate ids', SUBORDINATE, false],
  ])('is a program for both machines: %s', (_, facts, tty) => {
    const spec = specOf({ ...OPTIONS, tty }, { facts });
    expectProgram(planJoin(spec, spec.process, tty ? TERMINAL : PIPES));
  });
});

test('a plan is the same whenever it is made', () => {
  const spec = specOf(OPTIONS);
  expect(planContainer(spec, PIPES).toString()).toBe(planContainer(spec, PIPES).toString());
  const images = [1, 2].map(() => image('x64', planContainer(spec, PIPES)));
  expect(images[0]).toEqual(images[1]);
});

function planOf({ facts, tty, layers, views, ...options }: Combination): Plan {
  const mounts = (OPTIONS.mounts ?? []).map((mount, index) => {
    return { ...mount, kind: index === 1 ? ('file' as const) : ('directory' as const) };
  });
  const spec = specOf({ ...OPTIONS, ...options, tty }, { facts, layers, views, mounts });
  return planContainer(spec, tty ? TERMINAL : PIPES);
}

function combinations(): Combination[] {
  let all: Record<string, unknown>[] = [{}];
  for (const [name, values] of Object.entries(CHOICES)) {
    all = all.flatMap((combination) => values.map((value: unknown) => ({ ...combination, [name]: value })));
  }
  return all as Combination[];
}

/** Assembling it fails for a label that is not there or there twice. */
function expectProgram(plan: Plan): void {
  for (const arch of ['x64', 'arm64'] as const) expect(image(arch, plan).length).toBeGreaterThan(0x200);
  const given = [...Object.values(LAUNCH_VARIABLES), USER_NAMESPACE, TARGET, ...PIPES.stdio, ...TERMINAL.extra];
  expect(unknownVariables(plan.launch, given)).toEqual([]);
  expect(unknownVariables(plan.stub, [])).toEqual([]);
}

function image(arch: Architecture, { stub, launch }: Plan): Uint8Array {
  const epilogue = reportTo(3, { write, exit: exit_group });
  assemble(launch, { arch, base: 0x1_0000, epilogue });
  return elfImage(MACHINES[arch], assemble(stub, { arch, base: TABLE_ADDRESS, epilogue }));
}

/** Variables that a step uses and no step before it, nor `given`, has set. */
function unknownVariables(steps: Plan['stub'], given: readonly Argument[]): string[] {
  const names = (values: readonly Argument[]) =>
    values.flatMap((value) => (isKind(value, 'variable') ? [value.name] : []));
  const known = new Set(names(given));
  return steps.flatMap((step) => {
    if (step.kind === 'label') return [];
    const args = step.kind === 'call' ? step.args : [step.left, step.right];
    const unknown = names(args).filter((name) => !known.has(name) && !isCounter(step, name));
    if ('into' in step && step.into !== undefined) known.add(step.into.name);
    for (const value of args) if (isKind(value, 'address')) known.add(value.of.name);
    return unknown;
  });
}

/** A variable starts as zero, so what adds to itself has a beginning. */
function isCounter(step: Plan['stub'][number], name: string): boolean {
  return step.kind === 'add' && step.into.name === name;
}
