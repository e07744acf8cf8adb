/** The health check of a container, from outside: its start, what it has found out, and word of that. */
import { closeSync, type FSWatcher, openSync, statSync, watch } from 'node:fs';
import { basename } from 'node:path';
import { type Frame, readFrames } from '../../store/index.ts';
import { close, compile, hasCode, O_CLOEXEC, O_DIRECTORY, O_PATH, openImage } from '../../syscalls/index.ts';
import { type ContainerHealth, foldHealth } from '../health-status.ts';
import { HEALTH_DIRECTORY, HEALTH_STUB, HEALTH_TARGET, planHealth } from '../plan/health.ts';
import { planCheck } from '../plan/health-check.ts';
import type { SpecHealth } from '../spec/health.ts';
import type { Spec } from '../spec/spec.ts';
import { type Child, launchInit } from './child.ts';

/**
 * Starts the stub that checks a container's health; it ends with the container, or with this thread.
 *
 * @param target a pidfd of the container's first process, which stays the caller's
 * @param directory the container's, in the store
 * @throws SyscallError when it could not be started; then nothing of it is left
 */
export async function startHealthCheck(
  spec: Spec,
  health: SpecHealth,
  target: number,
  directory: string,
): Promise<Child> {
  const compiled = compile(planHealth(spec, health));
  const { image, program } = compiled;
  const opened = openSync(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  let stub: number | undefined;
  try {
    stub = openImage(compile(planCheck(spec, health)).image);
    const values = { [HEALTH_TARGET.name]: target, [HEALTH_DIRECTORY.name]: opened, [HEALTH_STUB.name]: stub };
    const { child, started } = launchInit({ compiled, image, program: () => program }, values);
    child.holds(false);
    await started();
    return child;
  } finally {
    closeSync(opened);
    if (stub !== undefined) close(stub);
  }
}

/** What the checks of a container have come to since its start. @param path its `health` file */
export function readHealth(path: string, health: SpecHealth, startedAt: Date | null): ContainerHealth {
  return foldHealth(readAll(path), health, startedAt);
}

/** As {@link readHealth}; null for a container without a check, and for one that has not been started. */
export function healthOf(spec: Spec | null, path: string, startedAt: Date | null): ContainerHealth | null {
  const health = spec?.health;
  return health === undefined || startedAt === null ? null : readHealth(path, health, startedAt);
}

/** The older file becomes another one at any moment; what was read then is read again. */
function readAll(path: string): Frame[] {
  for (;;) {
    const before = inodeOf(path);
    const frames = [`${path}.1`, path].flatMap((file) => [...readFrames(file)]);
    if (inodeOf(path) === before) return frames;
  }
}

function inodeOf(path: string): number {
  try {
    return statSync(path).ino;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0;
    throw error;
  }
}

/** Calls back whenever there may be news. It keeps no process from ending. */
export function watchHealth(path: string, changed: () => void): Pick<FSWatcher, 'close'> {
  const directory = path.slice(0, -basename(path).length - 1);
  const watcher = watch(directory, { persistent: false }, (_event, name) => {
    if (name === basename(path)) changed();
  });
  // The directory is removed with the container.
  watcher.on('error', () => watcher.close());
  return watcher;
}
