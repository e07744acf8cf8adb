/** A description of the machine, without which its figures mean nothing. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { type Command, hasProgram, runNow } from './processes.ts';
import type { Machine } from './result.ts';
import { diskDirectory } from './setting.ts';

const VERSIONS: Readonly<Record<string, Command>> = {
  bwrap: ['bwrap', '--version'],
  unshare: ['unshare', '--version'],
  crun: ['crun', '--version'],
  runc: ['runc', '--version'],
  podman: ['podman', '--version'],
  docker: ['docker', '--version'],
  skopeo: ['skopeo', '--version'],
  cc: ['cc', '--version'],
};

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString(),
    kernel: release(),
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    diskType: fileSystemOf(diskDirectory()),
    loadAtStart: loadavg()[0] ?? 0,
    versions: Object.fromEntries(Object.entries(VERSIONS).map(([name, command]) => [name, versionOf(name, command)])),
  };
}

function versionOf(name: string, command: Command): string {
  return hasProgram(name) ? (runNow(command).split('\n')[0] ?? '') : 'not installed';
}

/** The type of the file system with the longest mount point that the path begins with. */
function fileSystemOf(path: string): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  let best = { point: '', type: 'unknown' };
  for (const line of mounts) {
    const [, point = '', type = ''] = line.split(' ');
    const covers = path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`);
    if (covers && point.length >= best.point.length) best = { point, type };
  }
  return best.type;
}
