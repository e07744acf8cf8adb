/** What a supervisor notes of its container's life, and whether it starts it again. */
import {
  AT_REMOVEDIR,
  add,
  CLOCK_MONOTONIC,
  close,
  equal,
  faccessat2,
  fchmodat,
  LAUNCH_VARIABLES,
  type Label,
  POLLFD,
  POLLIN,
  ppoll,
  read,
  type Step,
  TFD_CLOEXEC,
  TFD_NONBLOCK,
  TIMESPEC,
  timerfd_create,
  timerfd_settime,
  unlinkat,
  variable,
  wait4,
} from '../../syscalls/index.ts';
import { CONTROL_BYTES, PHASE, REQUEST, STATE, SUPERVISOR } from './supervisor-memory.ts';
import { type Journal, look, tell, writeState } from './supervisor-notes.ts';
import { renumber } from './supervisor-stdio.ts';
import { isEnding, takeSignal } from './supervisor-stop.ts';

/** When a container is started again that has ended by itself. */
export type Restarts =
  | { readonly when: 'never' | 'always' }
  /** @param most how many times in a row @default without end */
  | { readonly when: 'failed'; readonly most?: number | undefined };

/** access(2): whether it is there. */
const F_OK = 0;

const { pid, pidfd } = LAUNCH_VARIABLES;

/** The first pause before a restart, in milliseconds; each is twice the one before, up to the last. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 60_000;

/** Who has run so long is not failing again and again. */
const STEADY_SECONDS = 10;

const PAUSE_BYTES = 2 * TIMESPEC.size;
const PAUSES = pauses();
const pause = variable('pause');
const lastPause = variable('last pause');
/** How many restarts there were since it last ran for long. */
const row = variable('restarts in a row');

/** Makes the timer that tells how long the container has run. */
export function openTimer(): Step[] {
  const opened = variable('timer');
  return [
    timerfd_create.step('making a timer', [CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK], { into: opened }),
    ...renumber(opened, SUPERVISOR.timer),
    ...beginAnew(),
    add(PAUSES.memory, (PAUSES.count - 1) * PAUSE_BYTES, lastPause),
  ];
}

function beginAnew(): Step[] {
  return [add(PAUSES.memory, 0, pause), add(0, 0, row)];
}

/** Notes that the container runs. */
export function noteStart(journal: Journal): Step[] {
  const after = TIMESPEC.array([{}, { tv_sec: STEADY_SECONDS }]);
  return [
    add(pid, 0, STATE.pid),
    look(STATE.startedAt),
    ...writeState(PHASE.running),
    timerfd_settime.step('timing the run', [SUPERVISOR.timer, 0, after, null], { onError: 'next' }),
    ...tell(journal, 'start', pid),
  ];
}

/** Notes that the process has ended: from here on its id may soon be another's. */
export function noteEnding(): Step[] {
  return writeState(PHASE.ending);
}

/** Reaps the process. */
export function reap(): Step[] {
  return [
    add(0, 0, STATE.status),
    wait4.step('reaping the process', [pid, BigInt(STATE.statusAddress), 0, null], { onError: 'next' }),
    close.step('closing its pidfd', [pidfd], { onError: 'next' }),
  ];
}

/**
 * Notes how the container ended, and goes on at `again` after a pause, or at `over`.
 *
 *     ended ─▶ never? succeeded? asked to stop? too often? ─▶ over
 *               └─▶ pause, which a request interrupts ─▶ asked to stop? ─▶ over
 *                                                          └─▶ again
 */
export function decideRestart(restarts: Restarts, journal: Journal, again: Label, over: Label): Step[] {
  const finished = [look(STATE.finishedAt)];
  const end = [...writeState(PHASE.exited, 'final'), ...tell(journal, 'die', STATE.status, over)];
  if (restarts.when === 'never') return [...finished, ...end];
  const most = restarts.when === 'failed' ? restarts.most : undefined;
  const expired = BigInt(REQUEST.address);
  return [
    ...finished,
    ...(restarts.when === 'failed' ? [equal(STATE.status, 0, { next: 'final' })] : []),
    equal(isEnding, 1, { next: 'final' }),
    unlessStopped('final'),
    read.step('looking how long it has run', [SUPERVISOR.timer, expired, 8], { onError: 'not for long' }),
    ...beginAnew(),
    equal(row, most ?? -1, { label: 'not for long', next: 'final' }),
    add(row, 1, row),
    ...writeState(PHASE.waiting),
    ...tell(journal, 'die', STATE.status),
    ...waitPause('final'),
    add(STATE.restarts, 1, STATE.restarts, { label: 'longest pause', next: again }),
    ...end,
  ];
}

/**
 * Waits for the pause's end; whoever asks for something meanwhile has asked to stop, or has nothing to say. The time is
 * the timer's, and not one that ppoll(2) is given: what is left of that, the kernel writes over it.
 */
function waitPause(final: Label): Step[] {
  const { control, signal, timer } = SUPERVISOR;
  const polled = POLLFD.array([control, signal, timer].map((fd) => ({ fd, events: POLLIN })));
  const asked = BigInt(REQUEST.address);
  return [
    timerfd_settime.step('timing the pause', [timer, 0, pause, null]),
    ppoll.step('pausing before a restart', [polled, 3, null, null, 8], { label: 'pause', onError: 'pause' }),
    unlessStopped(final),
    takeSignal('is the pause over?', { next: final }),
    read.step('looking whether the pause is over', [timer, asked, 8], {
      label: 'is the pause over?',
      next: 'paused',
      onError: 'next',
    }),
    read.step('reading a request', [control, asked, CONTROL_BYTES], { next: 'pause', onError: 'pause' }),
    equal(pause, lastPause, { label: 'paused', next: 'longest pause' }),
    add(pause, PAUSE_BYTES, pause),
  ];
}

function unlessStopped(stopped: Label): Step {
  return faccessat2.step('looking whether it is to stop', [SUPERVISOR.directory, 'stopped', F_OK, 0], {
    next: stopped,
    onError: 'next',
  });
}

/**
 * Makes the container's directory fit to be mounted once more: removes what overlayfs leaves of a volatile mount
 * (store/containers: renewContainerDirectory). The directories have no permissions, and only root needs none.
 *
 * @param works the working directories of overlays, in the container's directory
 */
export function renewWork(works: readonly string[]): Step[] {
  const { directory } = SUPERVISOR;
  const purpose = 'making the overlay ready for a restart';
  const remove = (path: string, flags: number) => {
    return unlinkat.step(purpose, [directory, path, flags], { onError: 'next' });
  };
  return works.flatMap((work) => {
    const nested = [`${work}/work`, `${work}/work/incompat`, `${work}/work/incompat/volatile`];
    return [
      ...nested.map((path) => fchmodat.step(purpose, [directory, path, 0o700], { onError: 'next' })),
      remove(`${work}/work/incompat/volatile/dirty`, 0),
      remove(`${work}/work/incompat/volatile`, AT_REMOVEDIR),
      remove(`${work}/work/incompat`, AT_REMOVEDIR),
    ];
  });
}

/** As `struct itimerspec`s, each of which expires once. */
function pauses() {
  const list: number[] = [];
  for (let each = FIRST_PAUSE_MS; each < LAST_PAUSE_MS; each *= 2) list.push(each);
  list.push(LAST_PAUSE_MS);
  const specs = list.map((each) => ({ tv_sec: Math.floor(each / 1000), tv_nsec: (each % 1000) * 1_000_000 }));
  return { memory: TIMESPEC.array(specs.flatMap((each) => [{}, each])), count: list.length };
}
