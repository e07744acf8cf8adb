import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

/** What a container may leave behind on the machine, as lines to compare: `process 4711 (sleep), state S`. */
export type Traces = readonly string[];

export interface TracesOptions {
  /** The stores (values of CAISSON_ROOT) whose container records and unfinished files count. */
  readonly stores?: readonly string[];
}

/**
 * The traces of this moment: processes that this one started or that nobody owns any more, mounts, network
 * interfaces, control groups named after caisson, records in stores, and open descriptors of this process.
 */
export function traces({ stores = [] }: TracesOptions = {}): Traces {
  return [
    ...processTraces(),
    ...readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map(mountTrace),
    ...list('/sys/class/net').map((name) => `network interface ${name}`),
    ...cgroupTraces('/sys/fs/cgroup'),
    ...stores.flatMap(storeTraces),
    ...descriptorTraces(),
  ];
}

/**
 * Fails, with the list, when there are traces that `before` lacks. What the kernel is still taking down
 * (a killed process, its network namespace) is given time to go.
 */
export async function expectNothingLeft(before: Traces, options?: TracesOptions): Promise<void> {
  await expect.poll(() => tracesSince(before, options), { timeout: 10_000, interval: 20 }).toEqual([]);
}

/** The traces that are there now and were not in `before`. */
export function tracesSince(before: Traces, options?: TracesOptions): Traces {
  const known = new Set(before);
  return traces(options).filter((trace) => !known.has(trace));
}

interface ProcessStatus {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly state: string;
  readonly startTime: string;
}

/**
 * Ours are the descendants, zombies included. What was orphaned (its Node killed) has gone to process 1: of those,
 * only the ones in other namespaces than ours, because the machine has daemons too.
 */
function processTraces(): string[] {
  const statuses = new Map(
    list('/proc')
      .flatMap(readStatus)
      .map((status) => [status.pid, status]),
  );
  const isOurs = ({ parent }: ProcessStatus): boolean => {
    if (parent === process.pid) return true;
    const above = statuses.get(parent);
    return above !== undefined && isOurs(above);
  };
  const isOrphan = ({ parent, pid, state }: ProcessStatus) => parent <= 1 && state !== 'Z' && isElsewhere(pid);
  return [...statuses.values()]
    .filter((status) => isOurs(status) || isOrphan(status))
    .map(({ pid, name, startTime }) => `process ${pid} (${name}), started at tick ${startTime}`);
}

function readStatus(entry: string): ProcessStatus[] {
  const pid = Number(entry);
  const stat = Number.isInteger(pid) ? readIfThere(`/proc/${pid}/stat`) : undefined;
  // man 5 proc: `pid (name) state ppid …`, the name may contain anything; the start time is field 22.
  const match = stat && /^\d+ \((.*)\) (\S) (\d+) (.*)$/s.exec(stat);
  if (!match) return [];
  const [, name = '', state = '', parent, rest = ''] = match;
  return [{ pid, parent: Number(parent), name, state, startTime: rest.split(' ')[17] ?? '' }];
}

/** In another mount namespace than ours, or of our user and closed to us, as a non-dumpable process is. */
function isElsewhere(pid: number): boolean {
  const namespace = linkIfThere(`/proc/${pid}/ns/mnt`);
  if (namespace !== undefined) return namespace !== readlinkSync('/proc/self/ns/mnt');
  const uid = /^Uid:\t(\d+)/m.exec(readIfThere(`/proc/${pid}/status`) ?? '')?.[1];
  return Number(uid) === process.getuid?.();
}

function mountTrace(line: string): string {
  // man 5 proc_pid_mountinfo: id, parent, device, root, mount point, …, '-', type, source.
  const [id, , , root, point] = line.split(' ');
  return `mount ${id} of ${line.split(' - ')[1]?.split(' ')[0]} ${root} on ${point}`;
}

function cgroupTraces(directory: string): string[] {
  return list(directory, true).flatMap((name) => {
    const path = join(directory, name);
    return name.includes('caisson') ? [`control group ${path}`] : cgroupTraces(path);
  });
}

function storeTraces(store: string): string[] {
  return ['containers', 'tmp'].flatMap((room) => list(join(store, room)).map((name) => join(store, room, name)));
}

function descriptorTraces(): string[] {
  const open = list('/proc/self/fd').flatMap((descriptor) => {
    const target = linkIfThere(`/proc/self/fd/${descriptor}`);
    return target === undefined ? [] : [`descriptor ${descriptor}, ${target}`];
  });
  return withoutRanges(open).map(unlessRenewed);
}

/** The journal of a store is closed and opened anew when it is long, and may then have another number. */
function unlessRenewed(trace: string, index: number, all: readonly string[]): string {
  const [, journal] = /^descriptor \d+, (.*\/events)$/.exec(trace) ?? [];
  if (journal === undefined) return trace;
  const before = all.slice(0, index).filter((other) => other.endsWith(`, ${journal}`)).length;
  return `descriptor of ${journal}, number ${before + 1} of its kind`;
}

/** A thread keeps ranges of ids for its next containers, some at most: a lock and two user namespaces each. */
const MAX_RANGES = 16;

function withoutRanges(open: readonly string[]): string[] {
  const locks = open.filter((trace) => /\/locks\/ids-\d+\.lock$/.test(trace)).slice(0, MAX_RANGES);
  const namespaces = open.filter((trace) => trace.includes(', user:[')).slice(0, 2 * locks.length);
  const kept = new Set([...locks, ...namespaces]);
  return open.filter((trace) => !kept.has(trace));
}

function list(directory: string, onlyDirectories = false): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => !onlyDirectories || entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    return ignoreAbsence(error, []);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return ignoreAbsence(error, undefined);
  }
}

function linkIfThere(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    return ignoreAbsence(error, undefined);
  }
}

/** A process that ended while it was looked at (ENOENT, ESRCH), or that is not ours to look at (EACCES). */
function ignoreAbsence<T>(error: unknown, otherwise: T): T {
  if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
  throw error;
}
