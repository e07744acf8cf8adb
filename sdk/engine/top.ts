/** What runs in a container: as this machine's /proc tells, without a program in it. */
import { readFileSync } from 'node:fs';
import { membersOf, readProc, readStat, ticksToMs } from './processes.ts';

/** A process of a container. */
export interface ProcessInfo {
  /** Its id on the host. */
  readonly pid: number;
  /** Its id in the container. */
  readonly pidInside: number;
  /** The id of its parent on the host. */
  readonly ppid: number;
  /** Whose it is, by the container's ids where it has its own. */
  readonly uid: number;
  readonly gid: number;
  /** One letter, as ps(1) has it: `R` runs, `S` waits, `D` waits for a disk, `T` stands still, `Z` has ended. */
  readonly state: string;
  /** The processor time it has used, in milliseconds. */
  readonly cpuMs: number;
  /** The memory it has now, in bytes. */
  readonly rssBytes: number;
  readonly startedAt: Date;
  /** Its arguments; of one that has none any more, its name in brackets. */
  readonly command: readonly string[];
}

/** A range of ids: of /proc/PID/uid_map. */
interface Range {
  readonly inside: number;
  readonly outside: number;
  readonly size: number;
}

/** The processes of a container, by their ids. @param initPid its first process */
export function processesIn(initPid: number): ProcessInfo[] {
  const maps = { uid: readRanges(initPid, 'uid_map'), gid: readRanges(initPid, 'gid_map') };
  const bootMs = bootTimeMs();
  return membersOf(initPid)
    .list()
    .flatMap((pid) => describe(pid, maps, bootMs) ?? [])
    .sort((a, b) => a.pid - b.pid);
}

function describe(
  pid: number,
  maps: { readonly uid: readonly Range[]; readonly gid: readonly Range[] },
  bootMs: number,
): ProcessInfo | undefined {
  const stat = readStat(pid);
  const status = readProc(`/proc/${pid}/status`);
  const command = readProc(`/proc/${pid}/cmdline`);
  if (stat === undefined || status === undefined || command === undefined) return undefined;
  return {
    pid,
    pidInside: Number(field(status, 'NSpid').at(-1)),
    ppid: stat.ppid,
    uid: toInside(maps.uid, Number(field(status, 'Uid')[1])),
    gid: toInside(maps.gid, Number(field(status, 'Gid')[1])),
    state: stat.state,
    cpuMs: ticksToMs(stat.userTicks + stat.systemTicks),
    rssBytes: Number(field(status, 'VmRSS')[0] ?? 0) * 1024,
    startedAt: new Date(bootMs + ticksToMs(stat.startTicks)),
    command: command === '' ? [`[${stat.name}]`] : command.replace(/\0$/, '').split('\0'),
  };
}

/** The words of a line of /proc/PID/status (man 5 proc_pid_status). */
function field(status: string, name: string): string[] {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/) ?? [];
}

/** An id of the host as the container has it; as it is where it has none for it. */
function toInside(ranges: readonly Range[], id: number): number {
  const range = ranges.find(({ outside, size }) => id >= outside && id - outside < size);
  return range === undefined ? id : id - range.outside + range.inside;
}

function readRanges(pid: number, name: string): Range[] {
  return (readProc(`/proc/${pid}/${name}`) ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [inside = 0, outside = 0, size = 0] = line.trim().split(/\s+/).map(Number);
      return { inside, outside, size };
    });
}

/** When the machine was started, by its clock. */
function bootTimeMs(): number {
  return Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1] ?? 0) * 1000;
}
