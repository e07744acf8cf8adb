/** Which processes are a container's, as this machine's /proc tells. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hasCode, pidfd_open, type Watch, watch } from '../../syscalls/index.ts';
import { KEEPER_NAME } from '../plan/keeper.ts';
import { isInNamespace } from './pid-namespace.ts';

/** The processes of a container. */
export interface Members {
  /** Their ids on the host. */
  list(): number[];
  /** The same, the newest first, each looked at only when it is its turn. Those that are known already are left out. */
  others(known: { has(pid: number): boolean }): Iterable<number>;
  /** Whether a process is, or was when it was last seen, one of them. */
  has(pid: number): boolean;
  /** Whether one of them is a keeper (plan/keeper.ts): this container's, or that of another in the same PID namespace. */
  isKeeper(pid: number): boolean;
}

/**
 * The container's processes: those in its PID namespace; where that is not its own, its first process and what
 * descends from it, which an init of ours there does not let go.
 */
export function membersOf(initPid: number): Members {
  const namespace = ownNamespaceOf(initPid);
  if (namespace === undefined) return NOBODY;
  if (namespace === 'shared') {
    const list = () => descendantsOf(initPid, allPids());
    return {
      list,
      others: (known) =>
        list()
          .reverse()
          .filter((pid) => !known.has(pid)),
      has: (pid) => isDescendant(pid, initPid),
      isKeeper: (pid) => pid === initPid,
    };
  }
  const has = (pid: number) => isInNamespace(pid, namespace);
  // Anybody can have its name, but only what we start there has a parent elsewhere; and an init of ours is the first.
  const isKeeper = (pid: number) => {
    const { name, ppid } = readStat(pid) ?? {};
    return name === KEEPER_NAME && pid !== initPid && ppid !== undefined && !has(ppid);
  };
  return {
    list: () => allPids().filter(has),
    *others(known) {
      for (const pid of allPids().reverse()) if (!known.has(pid) && has(pid)) yield pid;
    },
    has,
    isKeeper,
  };
}

const NOBODY: Members = { list: () => [], others: () => [], has: () => false, isKeeper: () => false };

function allPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** Whether a process is the first one of a PID namespace that is not ours: all others in it end with it. */
export function isFirstOfNamespace(pid: number): boolean {
  // man 5 proc_pid_status: its ids in every namespace, the innermost last.
  const ids = /^NSpid:\s*(.*)$/m.exec(readProc(`/proc/${pid}/status`) ?? '')?.[1]?.split(/\s+/) ?? [];
  return ids.length > 1 && ids.at(-1) === '1';
}

/** Its PID namespace, when it is the first process of that: `pid:[4026532000]`. */
function ownNamespaceOf(pid: number): string | 'shared' | undefined {
  try {
    // man 5 proc_pid_status: its ids in every namespace, the innermost last.
    const ids = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]?.split(/\s+/) ?? [];
    return ids.length > 1 && ids.at(-1) === '1' ? readlinkSync(`/proc/${pid}/ns/pid`) : 'shared';
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

function descendantsOf(first: number, all: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const pid of all) {
    const parent = readStat(pid)?.ppid;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [first];
  // Grows while it is walked.
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

function isDescendant(pid: number, first: number): boolean {
  for (let each: number | undefined = pid; each !== undefined && each > 0; each = readStat(each)?.ppid) {
    if (each === first) return true;
  }
  return false;
}

/** Holds a process, so that its number cannot become another's; undefined when there is none. */
export function openProcess(pid: number): number | undefined {
  try {
    return pidfd_open(pid, 0);
  } catch (error) {
    // EINVAL: it is a thread's id now.
    if (hasCode(error, 'ESRCH', 'EINVAL')) return undefined;
    throw error;
  }
}

/** Calls back once the process of a pidfd has ended, unless the watch is closed before. Nobody is reaped. */
export function onEnd(pidfd: number, ended: () => void): Watch {
  const handle = watch(pidfd, { readable: true }, () => {
    handle.close();
    ended();
  });
  return handle;
}

/** Reads a file of a process's in /proc; undefined when it has ended, or is one that may not be looked at. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // EINVAL: of one that has ended and is not reaped yet, which has no network any more.
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL')) return undefined;
    throw error;
  }
}

/** USER_HZ, in which the kernel tells times to processes: 100 on x86-64 and arm64 (man 7 time). */
const TICKS_PER_SECOND = 100;

/** Ticks of the clock in milliseconds. */
export function ticksToMs(ticks: number): number {
  return (ticks * 1000) / TICKS_PER_SECOND;
}

/** What /proc/PID/stat says of a process (man 5 proc_pid_stat). Times are in ticks of the clock. */
export interface ProcessStat {
  readonly name: string;
  /** One letter: `R`, `S`, `T` … */
  readonly state: string;
  readonly ppid: number;
  /** The kernel's `PF_*` (include/linux/sched.h). */
  readonly flags: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  /** When it was started, since the machine was. */
  readonly startTicks: number;
}

/** Reads the stat of a process; undefined when there is none. */
export function readStat(pid: number): ProcessStat | undefined {
  const text = readProc(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** Anything may be in a name, parentheses too: what follows it begins after the last one. */
export function parseStat(text: string): ProcessStat {
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  return {
    name: text.slice(text.indexOf('(') + 1, end),
    state: fields[0] ?? '?',
    ppid: Number(fields[1]),
    flags: Number(fields[6]),
    userTicks: Number(fields[11]),
    systemTicks: Number(fields[12]),
    startTicks: Number(fields[19]),
  };
}
