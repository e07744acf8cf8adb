/** Refuses what cannot be meant of images and registries, before anything happens. */
import { fileURLToPath } from 'node:url';
import {
  type ImportImageOptions,
  type LoadImageOptions,
  type Platform,
  type PullImageOptions,
  parsePlatform,
} from '../store/transfer.ts';
import type { ImportOptions, ImportSource, LoadOptions, PullOptions } from './image-options.ts';
import { checkConfigChanges } from './spec/check-commit.ts';
import {
  assertObject,
  type Check,
  type Checks,
  checkAll,
  describe,
  isAbortSignal,
  isBoolean,
  isObject,
  isOneOf,
  isPositiveInteger,
  isStream,
  isString,
  isStrings,
} from './spec/checks.ts';
import { changeConfig } from './spec/commit.ts';

const isNotNegative: Check = (value) => {
  return Number.isFinite(value) && (value as number) >= 0 ? undefined : 'a number from 0';
};

const isPlatform: Check = (value) => {
  const isText = (text: unknown) => typeof text === 'string' && text !== '';
  const isOne =
    typeof value === 'string'
      ? parsePlatform(value) !== undefined
      : isObject(value) &&
        isText(value.os) &&
        isText(value.architecture) &&
        (value.variant === undefined || isText(value.variant));
  return isOne ? undefined : "as 'linux/arm64', or { os, architecture, variant }";
};

const CREDENTIALS = [['username', 'password'], ['identityToken'], ['registryToken']];

/** What is wrong may be a secret all the same: an error shows no more than what the members are called. */
const isCredentials: Check = Object.assign(
  (value: unknown) => {
    const isWhole = (names: readonly string[]) =>
      isObject(value) &&
      Object.keys(value).length === names.length &&
      names.every((name) => typeof value[name] === 'string');
    const expected = '{ username, password }, { identityToken } or { registryToken }, of strings';
    return CREDENTIALS.some(isWhole) ? undefined : expected;
  },
  {
    describe: (value: unknown) =>
      isObject(value) ? `an object with ${Object.keys(value).join(', ') || 'nothing in it'}` : 'what is no object',
  },
);

const REGISTRY_CHECKS: Checks = {
  credentials: isCredentials,
  ca: (value) => (isString(value) === undefined || isStrings(value) === undefined ? undefined : 'a string, or several'),
  insecure: isBoolean,
  registries: (value) => (Array.isArray(value) ? undefined : 'an array of rules'),
  tokenServers: isStrings,
  retries: isNotNegative,
  retryDelayMs: isNotNegative,
  timeoutMs: isNotNegative,
  signal: isAbortSignal,
};

const RULE_CHECKS: Checks = { prefix: isString, location: isString, mirrors: isStrings };

const LIMIT_CHECKS: Checks = {
  maxHeaderBytes: isPositiveInteger,
  maxEntries: isPositiveInteger,
  maxDepth: isPositiveInteger,
  maxExpansion: isPositiveInteger,
};

const STAGE_CHECKS: Checks = {
  platform: isPlatform,
  limits: (value) => (isObject(value) ? undefined : 'an object'),
  signal: isAbortSignal,
};

const PULL_CHECKS: Checks = {
  ...REGISTRY_CHECKS,
  ...STAGE_CHECKS,
  policy: isOneOf('always', 'missing', 'never'),
};

const LOAD_CHECKS: Checks = { ...STAGE_CHECKS, reference: isString };

const IMPORT_CHECKS: Checks = {
  ...LOAD_CHECKS,
  config: (value) => (isObject(value) ? undefined : 'an object'),
  message: isString,
  author: isString,
  created: (value) => (value instanceof Date && !Number.isNaN(value.getTime()) ? undefined : 'a Date'),
};

const FILTER_CHECKS: Checks = {
  reference: (value) => (value instanceof RegExp || typeof value === 'string' ? undefined : 'a string or a RegExp'),
  label: (value) => {
    const isValue = (each: unknown) => each === true || isString(each) === undefined;
    return isObject(value) && Object.values(value).every(isValue) ? undefined : 'an object of strings, or of true';
  },
};

/** @throws TypeError unless it is text, of which the store says whether it is a name */
export function checkReference(reference: unknown, what = 'reference'): void {
  const expected = isString(reference);
  if (expected !== undefined) throw new TypeError(`${what} must be ${expected}, got ${describe(reference)}`);
}

/** @throws TypeError that names the option, what was given, and what was expected; of credentials, nothing that was given */
export function checkRegistryOptions(options: unknown): void {
  checkAll('option', options, REGISTRY_CHECKS);
  checkRules(options as object);
}

/** As {@link checkRegistryOptions}, for `image.push`. */
export function checkPushOptions(options: unknown): void {
  checkAll('option', options, { ...REGISTRY_CHECKS, chunkBytes: isPositiveInteger });
  checkRules(options as object);
}

/** As {@link checkRegistryOptions}, for `Registry.referrers`. */
export function checkReferrerOptions(options: unknown): void {
  checkAll('option', options, { ...REGISTRY_CHECKS, artifactType: isString });
  checkRules(options as object);
}

/** The options of `Image.pull`, checked. */
export function normalizePullOptions(options: PullOptions): PullImageOptions {
  checkAll('option', options, PULL_CHECKS);
  checkRules(options as object);
  checkLimits(options);
  return { ...options, platform: toPlatform(options.platform) };
}

/** The options of `Image.load`, checked. */
export function normalizeLoadOptions(options: LoadOptions): LoadImageOptions {
  checkAll('option', options, LOAD_CHECKS);
  checkLimits(options);
  return { ...options, platform: toPlatform(options.platform) };
}

/** The options of `Image.import`, checked. */
export function normalizeImportOptions(options: ImportOptions): ImportImageOptions {
  checkAll('option', options, IMPORT_CHECKS);
  checkLimits(options);
  checkConfigChanges(options.config);
  const config = changeConfig({}, options.config ?? {});
  return { ...options, config, platform: toPlatform(options.platform) };
}

/** @throws TypeError */
export function checkPruneOptions(options: unknown): void {
  checkAll('option', options, { images: isOneOf('untagged', 'unused', 'none') });
}

/** @throws TypeError */
export function checkRemoveOptions(options: unknown): void {
  checkAll('option', options, { force: isBoolean });
}

/** @throws TypeError */
export function checkImageFilter(filter: unknown): void {
  checkAll('filter.', filter, FILTER_CHECKS);
}

/**
 * Refuses what cannot be written to; the path of a file URL.
 * @throws TypeError
 */
export function checkSave<T>(destination: T | string | URL, options: unknown): T | string {
  checkAll('option', options, { format: isOneOf('oci', 'docker'), signal: isAbortSignal });
  if (destination instanceof URL) return fileURLToPath(destination);
  const isWritable = typeof (destination as { write?: unknown } | null)?.write === 'function';
  if (isWritable || typeof destination === 'string') return destination;
  throw new TypeError(`destination must be a path or a stream that is written to, got ${describe(destination)}`);
}

/**
 * What an image is made of, a file URL as its path.
 * @param mayStream whether it may come piece by piece
 * @throws TypeError
 */
export function checkImportSource<T extends ImportSource>(source: T, mayStream: boolean): Exclude<T, URL> | string {
  if (source instanceof URL) return fileURLToPath(source);
  const isSource = typeof source === 'string' || source instanceof Uint8Array || (mayStream && isStream(source));
  if (isSource) return source as Exclude<T, URL>;
  const expected = `a path, a file URL${mayStream ? ', bytes or an async iterable of them' : ' or bytes'}`;
  throw new TypeError(`source must be ${expected}, got ${describe(source)}`);
}

function toPlatform(platform: Platform | string | undefined): Platform | undefined {
  return typeof platform === 'string' ? parsePlatform(platform) : platform;
}

function checkLimits({ limits }: { readonly limits?: unknown }): void {
  if (limits !== undefined) checkAll('limits.', limits, LIMIT_CHECKS);
}

function checkRules({ registries = [] }: { readonly registries?: readonly unknown[] }): void {
  for (const [index, rule] of registries.entries()) {
    const what = `registries[${index}]`;
    assertObject(what, rule);
    checkAll(`${what}.`, rule, RULE_CHECKS);
    if (rule.prefix === undefined) throw new TypeError(`${what} must have a prefix, got ${describe(rule)}`);
  }
}
