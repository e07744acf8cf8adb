/**
 * Detached containers: the owner's side of a supervisor (plan/supervisor.ts). Whoever starts one holds the container's
 * lock, and has its directory there, fit to be mounted, with a state cell and without `stopped`. From then on the
 * supervisor alone writes the cell, and holds the lock for as long as it lives.
 */
import { chmodSync, closeSync, constants, openSync } from 'node:fs';
import { containerPaths, type Store } from '../../store/index.ts';
import {
  AT_FDCWD,
  type Compiled,
  close,
  compile,
  hasCode,
  launch,
  mknodat,
  openImage,
  S_IFIFO,
} from '../../syscalls/index.ts';
import { planHealth } from '../plan/health.ts';
import { planCheck } from '../plan/health-check.ts';
import { HOST_USER } from '../plan/idmap.ts';
import { overlayWorks, planSupervisor, supervisorVariable } from '../plan/supervisor.ts';
import type { Restarts } from '../plan/supervisor-end.ts';
import { HEALTH_DESCRIPTORS } from '../plan/supervisor-health.ts';
import type { Journal } from '../plan/supervisor-notes.ts';
import type { SupervisedStdio } from '../plan/supervisor-stdio.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { type Signal, signalNumber } from '../spec/signals.ts';
import { joinsNamespace, type Spec } from '../spec/spec.ts';
import type { LaunchValues } from './child.ts';
import { compileContainer, type ReadyPlan } from './compile.ts';
import { isKept } from './end-signal.ts';
import { explainStart } from './explain.ts';
import { stdioOptions, wiringOf } from './stdio.ts';
import { DEFAULT_TIMEOUT_MS } from './stop.ts';
import { awaitStart } from './supervisor-report.ts';

/** What is to be started. */
export interface SupervisedStart {
  readonly store: Store;
  readonly id: string;
  readonly spec: Spec;
  /** Of these: tty, stdin, stdout, stderr, restart, logs, signal. */
  readonly options: ContainerOptions;
  /** What the container is asked to end by. */
  readonly stopSignal: Signal;
  /** The descriptor that holds the container's lock. */
  readonly lock: number;
  /** Other descriptors that the supervisor is to hold, such as a claim on a range of ids. @default none */
  readonly holds?: readonly number[] | undefined;
  /** What the launch of this spec needs: the namespaces that it enters, and the like. */
  readonly values: LaunchValues;
  readonly journal: Journal;
}

const DEFAULT_MAX_FILE_BYTES = 10 * 1024 * 1024;
const DEFAULT_MAX_FILES = 3;

/**
 * Starts a container under a supervisor of its own; resolves when its command runs.
 *
 * @returns the first process's id on the host
 * @throws CaissonError, SyscallError when it could not be; then no process is left
 * @throws the reason of the abort signal
 */
export async function startSupervised(start: SupervisedStart): Promise<number> {
  const { spec, options, id } = start;
  options.signal?.throwIfAborted();
  const stdio = stdioOptions(options, 'ignore');
  const container = compileContainer(spec, wiringOf(stdio), id);
  const isNumber = (name: string) => name === HOST_USER.name;
  const names = Object.keys(start.values);
  const supervisor = compile(
    planSupervisor({
      launch: {
        steps: container.program().launch,
        descriptors: names.filter((name) => !isNumber(name)),
        numbers: Object.fromEntries(Object.entries(start.values).filter(([name]) => isNumber(name))),
        hasSecond: joinsNamespace(spec, 'pid'),
      },
      stdio: supervisedStdio(options),
      restarts: restartsOf(options.restart),
      logs: {
        maxFileBytes: options.logs?.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES,
        maxFiles: options.logs?.maxFiles ?? DEFAULT_MAX_FILES,
      },
      stop: {
        signal: signalNumber(start.stopSignal),
        graceSeconds: DEFAULT_TIMEOUT_MS / 1000,
        kept: isKept(spec),
      },
      journal: start.journal,
      works: overlayWorks(spec),
      held: start.holds?.length ?? 0,
      health: spec.health && { steps: planHealth(spec, spec.health).launch },
    }),
  );
  const attempt = { args: spec.process.args, cwd: spec.process.cwd, spec };
  try {
    return await awaitStart(launchSupervisor(start, supervisor, container), { supervisor, container }, options.signal);
  } catch (error) {
    throw explainStart(error, attempt);
  }
}

/** Decides what a detached container's descriptors are. */
function supervisedStdio(options: ContainerOptions): SupervisedStdio {
  const { stdin, stdout, stderr, terminal } = stdioOptions(options, 'ignore');
  return {
    terminal,
    stdin: !terminal && stdin === 'pipe',
    stdout: !terminal && stdout === 'pipe',
    stderr: !terminal && stderr === 'pipe',
  };
}

/** A restart policy in the supervisor's words. */
function restartsOf(policy: ContainerOptions['restart'] = 'no'): Restarts {
  if (policy === 'no') return { when: 'never' };
  if (policy === 'always' || policy === 'unless-stopped') return { when: 'always' };
  const [, most] = policy.split(':');
  return { when: 'failed', most: most === undefined ? undefined : Number(most) };
}

function launchSupervisor(start: SupervisedStart, supervisor: Compiled, container: ReadyPlan) {
  const { store, id, lock, holds = [] } = start;
  const { path, state, control } = containerPaths(store, id);
  const opened: number[] = [];
  const open = (file: string, flags: number) => {
    const descriptor = openSync(file, flags);
    opened.push(descriptor);
    return descriptor;
  };
  makeFifos(start);
  const stub = openImage(container.image);
  const health = openHealthImages(start.spec);
  try {
    const given = {
      directory: open(path, constants.O_RDONLY | constants.O_DIRECTORY),
      store: open(store.root, constants.O_RDONLY | constants.O_DIRECTORY),
      lock,
      control: open(control, constants.O_RDWR | constants.O_NONBLOCK),
      state: open(state, constants.O_RDWR),
      stub,
      ...start.values,
      ...Object.fromEntries(holds.map((descriptor, index) => [`hold ${index}`, descriptor])),
      ...health,
    };
    const named = Object.entries(given).map(([name, descriptor]) => [supervisorVariable(name), descriptor]);
    return launch(supervisor, Object.fromEntries(named));
  } finally {
    for (const image of [stub, ...Object.values(health)]) close(image);
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** The stubs of a health check, of a container that has one. */
function openHealthImages(spec: Spec): Readonly<Record<string, number>> {
  if (spec.health === undefined) return {};
  const [checker, check] = [planHealth(spec, spec.health), planCheck(spec, spec.health)];
  const images = [checker, check].map((plan) => openImage(compile(plan).image));
  return Object.fromEntries(HEALTH_DESCRIPTORS.map((name, index) => [name, images[index] as number]));
}

/** The container's user may become the owner of what it reads; the directory is closed to everybody else. */
const FIFO_MODE = 0o666;

function makeFifos({ store, id, options }: SupervisedStart): void {
  makeFifo(containerPaths(store, id).control);
  const { stdin, terminal } = supervisedStdio(options);
  if (!stdin && !terminal) return;
  const { stdin: path } = containerPaths(store, id);
  if (makeFifo(path)) chmodSync(path, FIFO_MODE);
}

function makeFifo(path: string): boolean {
  try {
    mknodat(AT_FDCWD, path, S_IFIFO | 0o600, 0);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}
