/** Refuses what cannot be meant of an image that is made of a container, or changed. */
import {
  type Check,
  checkAll,
  isAbortSignal,
  isBoolean,
  isEnvironment,
  isObject,
  isOneOf,
  isString,
  isStrings,
  isTarget,
} from './checks.ts';
import { isSignal } from './signals.ts';

const SNAPSHOT_CHECKS: Readonly<Record<string, Check>> = {
  reference: isString,
  pause: isBoolean,
  signal: isAbortSignal,
};

const COMMIT_CHECKS: Readonly<Record<string, Check>> = {
  ...SNAPSHOT_CHECKS,
  message: isString,
  author: isString,
  config: (value) => (isObject(value) ? undefined : 'an object'),
  compression: isOneOf('gzip', 'zstd', 'none'),
};

const CONFIG_CHECKS: Readonly<Record<string, Check>> = {
  env: isEnvironment,
  command: isStrings,
  entrypoint: isStrings,
  user: isString,
  workdir: isTarget,
  labels: (value) => {
    const isText = (text: unknown) => text === undefined || isString(text) === undefined;
    return isObject(value) && Object.values(value).every(isText) ? undefined : 'an object of strings';
  },
  exposedPorts: (value) => {
    const isPort = (port: string) => /^[0-9]{1,5}(-[0-9]{1,5})?(\/(tcp|udp|sctp))?$/.test(port);
    return isStrings(value) ?? ((value as string[]).every(isPort) ? undefined : "an array of ports, as '80/tcp'");
  },
  volumes: (value) => {
    const isPath = (path: string) => isTarget(path) === undefined;
    return isStrings(value) ?? ((value as string[]).every(isPath) ? undefined : 'an array of absolute paths');
  },
  stopSignal: (value) => {
    const isName = typeof value === 'string' && isSignal(value) === undefined;
    return isName ? undefined : "the name of a signal, as 'SIGTERM'";
  },
};

/** @throws TypeError that names the option, what was given, and what was expected */
export function checkSnapshotOptions(options: unknown): void {
  checkAll('option', options, SNAPSHOT_CHECKS);
}

/** @throws as {@link checkSnapshotOptions} */
export function checkCommitOptions(options: unknown): void {
  checkAll('option', options, COMMIT_CHECKS);
  checkConfigChanges((options as { config?: unknown }).config);
}

/** As {@link checkSnapshotOptions}, for how containers of an image are to run. */
export function checkConfigChanges(config: unknown = {}): void {
  checkAll('config.', config, CONFIG_CHECKS);
}
