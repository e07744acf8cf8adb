/** Ends a container that is not this thread's, and waits for its end. */
import { askToStop, forgetPause, UNKNOWN_STATUS } from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import type { Signal } from '../spec/signals.ts';
import { asksToBeKept } from './end-signal.ts';
import { type ExitStatus, exitStatusOf } from './exit-status.ts';
import type { Held } from './held.ts';
import { isPaused, resumeContainer } from './pause.ts';
import { type StopRequest, stopProcess, stopSignalOf } from './stop.ts';
import { endOf } from './stored-end.ts';
import { settleIfLost } from './stored-lock.ts';
import type { StoredView } from './stored-view.ts';
import { tellSupervisor } from './supervisor-request.ts';

/** From now on nobody starts it again by himself. @returns its first process, if it has one */
function askToEnd(view: StoredView, request: 'stop' | 'remove'): Held | undefined {
  const { store, record } = view.parts;
  askToStop(store, view.id, request);
  if (record.detached) tellSupervisor(store, view.id, 'look');
  return view.hold();
}

/**
 * As {@link askToEnd}; what is just about to have a first process is waited for. Whoever starts it forgets what was asked
 * before.
 */
export async function holdToEnd(view: StoredView, request: 'stop' | 'remove'): Promise<Held | undefined> {
  for (;;) {
    const held = askToEnd(view, request);
    if (held !== undefined || !['running', 'restarting'].includes(view.state)) return held;
    // Nothing tells when it is noted as running.
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

const LOOK_MS = 5;

/** Ends it with grace. @returns how it ended; null when it did not run */
export async function stopStored(view: StoredView, request: StopRequest): Promise<ExitStatus | null> {
  const { store, options } = view.parts;
  if (view.state === 'created' || view.state === 'removed') return null;
  const held = await holdToEnd(view, 'stop');
  if (held === undefined) return (await endForGood(view)) ?? null;
  try {
    const stoppable = {
      pid: held.pid,
      isReaper: options.init === true || asksToBeKept(options),
      kill: (name: Signal) => held.kill(name),
      wait: () => waitForStored(view),
    };
    const ended = stopProcess(stoppable, { ...request, signal: request.signal ?? stopSignalOf(view.parts) });
    if (isPaused(store, view.id)) await resumeContainer(store, view.id, held.pid);
    return await ended;
  } finally {
    held.release();
  }
}

/** Sends a signal to its first process; with SIGKILL, waits for its end. */
export async function killStored(view: StoredView, signal: Signal): Promise<void> {
  const isEnd = signal === 'SIGKILL' || signal === stopSignalOf(view.parts);
  const held = isEnd ? await holdToEnd(view, 'stop') : view.hold();
  held?.kill(signal);
  held?.release();
  if (signal === 'SIGKILL') await endForGood(view);
}

/**
 * Waits until it has ended for good.
 * @throws CaissonError NOT_RUNNING when it has never been started, STATUS_UNKNOWN
 */
export async function waitForStored(view: StoredView): Promise<ExitStatus> {
  if (view.state === 'created') throw view.notRunning('waited for');
  const status = await endForGood(view);
  if (status !== undefined) return status;
  throw new CaissonError(
    'STATUS_UNKNOWN',
    `nobody saw how ${view.label} ended: its supervisor was killed, or it was removed`,
  );
}

/** @returns how it ended, if somebody saw it */
async function endForGood(view: StoredView): Promise<ExitStatus | undefined> {
  const { store, record } = view.parts;
  const cell = await endOf(store, record);
  await settleIfLost(view);
  if (cell?.phase === 'exited') await forgetPause(store, view.id);
  return cell?.phase === 'exited' && cell.status !== UNKNOWN_STATUS ? exitStatusOf(cell.status) : undefined;
}
