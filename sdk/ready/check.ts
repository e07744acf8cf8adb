/** Refuses conditions that cannot be meant. Pure. */
import { inspect } from 'node:util';
import { type Check, type Checks, isBoolean, isObject, isOneOf, isString, isStrings } from '../spec/checks.ts';

const integer = (from: number, to: number): Check => {
  const isIt = (value: unknown) => Number.isInteger(value) && (value as number) >= from && (value as number) <= to;
  return (value) => (isIt(value) ? undefined : `an integer from ${from} to ${to}`);
};
const isPort = integer(1, 65_535);
const isStatus = integer(100, 599);
// Loaded when it is needed: importing caisson is to be quick.
const net = () => process.getBuiltinModule('node:net');
const isAddress: Check = (value) => {
  return typeof value === 'string' && net().isIP(value) > 0 && !value.includes('%') ? undefined : 'an IP address';
};
const isCommand: Check = (value) => {
  return isStrings(value) ?? ((value as unknown[]).length > 0 ? undefined : 'at least one string');
};
const isHeaders: Check = (value) => {
  const isIt = isObject(value) && Object.values(value).every((each) => isString(each) === undefined);
  return isIt ? undefined : 'an object of strings';
};

/** Members by kind, each with its check. */
const CHECKS: Readonly<Record<string, Checks>> = {
  port: {
    port: isPort,
    host: isAddress,
  },
  log: {
    pattern: (value) => {
      const isIt = value instanceof RegExp || (typeof value === 'string' && value !== '');
      return isIt ? undefined : 'a text or a RegExp';
    },
    times: integer(1, 0xffff_ffff),
    stream: isOneOf('stdout', 'stderr'),
  },
  http: {
    port: isPort,
    host: isAddress,
    path: (value) => {
      // What has a space or a control character would end the request's line.
      return typeof value === 'string' && /^\/[\x21-\x7e]*$/.test(value) ? undefined : 'a path that begins with /';
    },
    status: (value) => {
      const values = Array.isArray(value) ? value : [value];
      const isIt = values.length > 0 && values.every((each) => isStatus(each) === undefined);
      return isIt ? undefined : 'an integer from 100 to 599, or an array of them';
    },
    headers: isHeaders,
    method: (value) => (typeof value === 'string' && /^[A-Z]+$/.test(value) ? undefined : "a method, as 'GET'"),
    tls: isBoolean,
  },
  exec: { command: isCommand, options: (value) => (isObject(value) ? undefined : 'an object') },
  healthy: {},
  exit: { code: integer(0, 255) },
  all: { of: isConditions },
  any: { of: isConditions },
  check: { check: (value) => (typeof value === 'function' ? undefined : 'a function') },
};

/** Wherever they may be, they must. */
const REQUIRED: readonly string[] = ['port', 'pattern', 'command', 'of', 'check'];

function isConditions(value: unknown): string | undefined {
  return Array.isArray(value) && value.length > 0 ? undefined : 'one or more conditions';
}

/**
 * @param what the name of the option, for the error
 * @throws TypeError that names the option, what was given, and what was expected
 */
export function checkReadiness(value: unknown, what: string): void {
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) checkReadiness(each, `${what}[${index}]`);
    return;
  }
  const kind = isObject(value) ? String(value.kind) : '';
  if (!isObject(value) || !Object.hasOwn(CHECKS, kind)) {
    throw new TypeError(`${what} must be a condition, as ready.port(80) gives, got ${inspect(value)}`);
  }
  checkMembers(value, CHECKS[kind] ?? {}, what);
  if (kind === 'all' || kind === 'any') checkReadiness(value.of, what);
}

/**
 * Refuses options whose `ready` cannot be meant, also because of another option.
 * @throws TypeError as {@link checkReadiness}
 */
export function checkReadyOptions(options: {
  readonly ready?: unknown;
  readonly stdout?: unknown;
  readonly stderr?: unknown;
}): void {
  if (options.ready === undefined) return;
  checkReadiness(options.ready, "option 'ready'");
  for (const { stream } of logsOf(options.ready)) {
    const streams = stream === undefined ? (['stdout', 'stderr'] as const) : [stream];
    if (streams.some((each) => (options[each] ?? 'pipe') === 'pipe')) continue;
    const given = streams.map((each) => `${each}: ${inspect(options[each])}`).join(', ');
    throw new TypeError(
      `option 'ready' waits for a line that cannot be seen: ${streams[0]} must be 'pipe', got ${given}`,
    );
  }
}

/** The conditions on output that are somewhere in there. */
function logsOf(value: unknown): { readonly stream?: 'stdout' | 'stderr' }[] {
  if (Array.isArray(value)) return value.flatMap(logsOf);
  const { kind, of } = value as { readonly kind: string; readonly of?: unknown };
  if (kind === 'log') return [value as { readonly stream?: 'stdout' | 'stderr' }];
  return of === undefined ? [] : logsOf(of);
}

function checkMembers(value: Record<string, unknown>, checks: Checks, what: string): void {
  for (const name of Object.keys(value)) {
    if (name === 'kind' || Object.hasOwn(checks, name)) continue;
    throw new TypeError(`unknown member '${name}' of ${what}; there are ${Object.keys(checks).join(', ')}`);
  }
  for (const [name, check] of Object.entries(checks)) {
    if (value[name] === undefined && !REQUIRED.includes(name)) continue;
    const expected = check(value[name]);
    if (expected === undefined) continue;
    throw new TypeError(`${name} of ${what} must be ${expected}, got ${inspect(value[name])}`);
  }
}
