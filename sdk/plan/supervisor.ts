/**
 * The supervisor of a detached container: a stub that outlives its owner. It makes the container's first process as an
 * owner would, by the same launch, and is its parent; it notes what that writes and how it ends, and starts it again.
 *
 *     owner ──clone3, execveat──▶ supervisor ──clone3, execveat──▶ the container's stub ──▶ command
 *       ◀── pid, or what failed ───┘  │ ◀──── output, exit status ────────────────────────────┘
 *                                     └──▶ log, state, journal
 *
 * It is in none of the container's namespaces, cannot be looked into, and the container dies with it.
 */
import {
  add,
  addressOf,
  CLOSE_RANGE_CLOEXEC,
  chdir,
  close_range,
  dup3,
  equal,
  exit_group,
  LAUNCH_VARIABLES,
  label,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  memory,
  mmap,
  O_CLOEXEC,
  PR_SET_DUMPABLE,
  PR_SET_NAME,
  PROT_READ,
  PROT_WRITE,
  prctl,
  pread64,
  REPORT_DESCRIPTOR,
  rt_sigprocmask,
  SIG_SETMASK,
  type Step,
  setsid,
  variable,
  write,
} from '../../syscalls/index.ts';
import type { Spec } from '../spec/spec.ts';
import { launchSteps } from './launch.ts';
import { viewPaths } from './overlay.ts';
import { type Plan, planOf } from './plan.ts';
import { ALL_SIGNALS, SIGSET_SIZE } from './signals.ts';
import { decideRestart, noteEnding, noteStart, openTimer, type Restarts, reap, renewWork } from './supervisor-end.ts';
import { HEALTH_DESCRIPTORS, reapHealth, type SupervisedHealth, startHealth } from './supervisor-health.ts';
import { draining, type LogLimits, openLog } from './supervisor-log.ts';
import { MEMORY_ADDRESS, MEMORY_BYTES, STATE, SUPERVISOR, SUPERVISOR_DESCRIPTORS } from './supervisor-memory.ts';
import type { Journal } from './supervisor-notes.ts';
import { beginWaiting, serveContainer } from './supervisor-output.ts';
import { type ContainerLaunch, hasRun, startContainer } from './supervisor-start.ts';
import type { SupervisedStdio } from './supervisor-stdio.ts';
import { openSignal, type SupervisedStop } from './supervisor-stop.ts';

/** What a supervisor is to do, decided. */
export interface Supervision {
  readonly launch: ContainerLaunch;
  readonly stdio: SupervisedStdio;
  readonly restarts: Restarts;
  readonly logs: LogLimits;
  readonly stop: SupervisedStop;
  readonly journal: Journal;
  /** The working directories of the container's overlays, in its directory. */
  readonly works: readonly string[];
  /** How many other descriptors it is to hold for as long as it lives: `hold 0`, `hold 1` … */
  readonly held: number;
  /** How its health is checked, where it is. It has {@link HEALTH_DESCRIPTORS} then. */
  readonly health?: SupervisedHealth | undefined;
}

/** The variable of the launch that is one of the supervisor's descriptors. */
export function supervisorVariable(name: string): string {
  return `supervisor's ${name}`;
}

/** Plans a supervisor. Its launch needs all of {@link SUPERVISOR_DESCRIPTORS} and of what it is to launch, by those names. */
export function planSupervisor(supervision: Supervision): Plan {
  const { launch, stdio, restarts, logs, journal, works, held, health } = supervision;
  const holds = Array.from({ length: held }, (_, index) => `hold ${index}`);
  const firstOfHealth = SUPERVISOR.firstValue + launch.descriptors.length + held;
  const ofHealth = health === undefined ? [] : HEALTH_DESCRIPTORS;
  const given = [...SUPERVISOR_DESCRIPTORS, ...launch.descriptors, ...holds, ...ofHealth].map((name) =>
    variable(supervisorVariable(name)),
  );
  return planOf({
    launch: launchSteps({ namespaces: [], uidMappings: [], gidMappings: [] }, ['null', 'null', 'null'], given),
    stub: [
      ...standAlone(firstOfHealth + ofHealth.length),
      ...openLog(logs),
      ...openTimer(),
      ...openSignal(),

      label('start'),
      ...startContainer(launch, stdio, { entered: 'entered', failed: 'failed' }),
      label('entered'),
      ...noteStart(journal),
      ...tellOwner(),
      ...(health === undefined ? [] : startHealth(health, firstOfHealth)),

      ...beginWaiting(stdio),
      ...serveContainer(supervision, { drained: 'drained', ended: 'ended' }),
      label('ended'),
      ...noteEnding(),
      add(1, 0, draining, { next: 'read stdout' }),
      label('drained'),
      ...reap(),
      ...(health === undefined ? [] : reapHealth()),

      label('over'),
      ...decideRestart(restarts, journal, 'again', 'leave'),
      label('again'),
      ...renewWork(works),
      add(0, 0, draining, { next: 'start' }),

      // A first start that failed is the owner's to tell of; a later one has ended the container as a command does.
      equal(hasRun, 1, { label: 'failed', next: 'over' }),
      exit_group.step('ending with the container', [0], { label: 'leave' }),
    ],
  });
}

/** Overlays' working directories of a spec, in its container's directory (overlay.ts). */
export function overlayWorks({ root, mounts }: Pick<Spec, 'root' | 'mounts'>): string[] {
  if (root.upper === 'tmpfs') return [];
  return [
    'work',
    ...root.views.map(({ target }) => viewPaths(target)[1]),
    ...mounts.flatMap(({ changes }) => (changes === undefined ? [] : [`${changes}/work`])),
  ];
}

/** Nothing of the owner's: its session, its directory, its descriptors; and nobody looks into its memory. */
function standAlone(firstFree: number): Step[] {
  const room = [MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED] as const;
  return [
    prctl.step('becoming non-dumpable', [PR_SET_DUMPABLE, 0, 0, 0, 0]),
    prctl.step('naming the supervisor', [
      PR_SET_NAME,
      memory(Buffer.from('caisson-monitor\0'), [], () => '"caisson-monitor"'),
      0,
      0,
      0,
    ]),
    rt_sigprocmask.step('blocking signals', [SIG_SETMASK, ALL_SIGNALS, null, SIGSET_SIZE]),
    setsid.step('starting a session', []),
    chdir.step("leaving the owner's directory", ['/']),
    close_range.step('closing all other descriptors', [firstFree, 0xffff_ffff, 0]),
    close_range.step('keeping its own', [REPORT_DESCRIPTOR, 0xffff_ffff, CLOSE_RANGE_CLOEXEC]),
    mmap.step('making room', [BigInt(MEMORY_ADDRESS), ...room, -1, 0]),
    pread64.step('reading the state', [SUPERVISOR.state, BigInt(STATE.address), STATE.bytes, 0]),
  ];
}

/** From here on nobody listens: what would be reported goes nowhere. The owner may have ended meanwhile. */
function tellOwner(): Step[] {
  const { pid } = LAUNCH_VARIABLES;
  return [
    write.step('telling the pid', [REPORT_DESCRIPTOR, addressOf(pid), 8], { onError: 'next' }),
    dup3.step('letting go of the owner', [0, REPORT_DESCRIPTOR, O_CLOEXEC], { onError: 'next' }),
    add(1, 0, hasRun),
  ];
}
