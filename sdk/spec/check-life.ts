/** Refuses what cannot be meant of a container's life: its name and labels, who restarts it, which ones are listed. */
import type { EventName } from '../../store/index.ts';
import { type Checks, checkAll, describe, isAbortSignal, isBoolean, isObject, isOneOf, isString } from './checks.ts';

/** A name becomes part of a path: no longer than Linux has names of files. */
const isName = (value: unknown) => {
  return typeof value === 'string' && /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(value)
    ? undefined
    : 'at most 128 letters, digits, _ . - and a letter or digit first';
};

const isLabels = (value: unknown) => {
  return isObject(value) && Object.values(value).every((text) => isString(text) === undefined)
    ? undefined
    : 'an object of strings';
};

const POLICIES = /^(no|always|unless-stopped|on-failure(:[1-9][0-9]{0,8})?)$/;

/** The options of a container that are about its life. */
export const LIFE_CHECKS: Checks = {
  name: isName,
  labels: isLabels,
  detach: isBoolean,
  restart: (value) => {
    return typeof value === 'string' && POLICIES.test(value)
      ? undefined
      : "'no', 'always', 'unless-stopped', 'on-failure' or 'on-failure:N'";
  },
};

/** @throws TypeError unless a container may have this name */
export function checkName(name: unknown): asserts name is string {
  const expected = isName(name);
  if (expected !== undefined) throw new TypeError(`a name must be ${expected}, got ${describe(name)}`);
}

const STATES = ['created', 'running', 'paused', 'restarting', 'exited', 'removed'] as const;
const isState = isOneOf(...STATES);
const isStates = (value: unknown) => (Array.isArray(value) ? value.map(isState).find(Boolean) : isState(value));
const isWanted = (value: unknown) => {
  const isValue = (each: unknown) => each === true || isString(each) === undefined;
  return isObject(value) && Object.values(value).every(isValue) ? undefined : 'an object of strings, or of true';
};
const isFilter = (value: unknown) => (isObject(value) ? undefined : 'an object');

const LIST_CHECKS: Checks = { all: isBoolean, filter: isFilter };

const LIST_FILTER_CHECKS: Checks = {
  name: (value) => (value instanceof RegExp || typeof value === 'string' ? undefined : 'a string or a RegExp'),
  id: isString,
  label: isWanted,
  status: isStates,
  image: isString,
};

/** @throws TypeError that names the option, what was given, and what was expected */
export function checkListOptions(options: unknown): void {
  checkAll('option', options, LIST_CHECKS);
  checkAll('filter.', (options as { filter?: unknown }).filter ?? {}, LIST_FILTER_CHECKS);
}

const EVENT_CHECKS: Checks = {
  since: (value) => (value instanceof Date && !Number.isNaN(value.getTime()) ? undefined : 'a Date'),
  signal: isAbortSignal,
  filter: isFilter,
};

const EVENTS: Readonly<Record<EventName, true>> = {
  create: true,
  start: true,
  exec: true,
  exit: true,
  restart: true,
  pause: true,
  resume: true,
  rename: true,
  health: true,
  mount: true,
  unmount: true,
  remove: true,
};
const isEvent = isOneOf(...Object.keys(EVENTS));
const isType = (value: unknown) => (Array.isArray(value) ? value.map(isEvent).find(Boolean) : isEvent(value));

const EVENT_FILTER_CHECKS: Checks = { type: isType, container: isString, label: isWanted };

/** @throws TypeError that names the option, what was given, and what was expected */
export function checkEventOptions(options: unknown): void {
  checkAll('option', options, EVENT_CHECKS);
  checkAll('filter.', (options as { filter?: unknown }).filter ?? {}, EVENT_FILTER_CHECKS);
}

/** @throws TypeError for what makes no sense of a container that is run to its end and removed */
export function refuseInRun(options: object): void {
  for (const [name, reason] of Object.entries(NOT_OF_RUN)) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || value === false || value === 'no') continue;
    throw new TypeError(`option '${name}' is for Container.start(): ${reason}`);
  }
}

/** Options of a container that {@link refuseInRun} refuses, and why. */
export const NOT_OF_RUN: Readonly<Record<string, string>> = {
  command: 'the command of a run is given before its options',
  detach: 'who runs a container waits for it',
  restart: 'what is run is run once',
  ready: 'who runs a container waits for its end',
  startTimeoutMs: 'the deadline of a run is timeoutMs',
};
