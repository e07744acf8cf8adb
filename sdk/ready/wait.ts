/** Waiting until a container is ready: all conditions under one deadline, and nothing goes on when one decides. */
import { inspect } from 'node:util';
import { type Waiting, waitForCondition } from './condition.ts';
import type { HttpReady, PortReady, Readiness } from './readiness.ts';

/** A condition that is waited for, and what became of it. */
export interface Watched {
  readonly readiness: Readiness;
  readonly of: readonly Watched[];
  isMet: boolean;
  lastSeen: string | undefined;
}

/** What a condition is before anybody has looked. */
export function watched(readiness: Readiness): Watched {
  const of = 'of' in readiness ? readiness.of.map(watched) : [];
  return { readiness, of, isMet: false, lastSeen: undefined };
}

/**
 * Resolves when a condition holds.
 * @throws what ended the wait: the reason of the signal, or why a condition cannot hold any more. By then, nothing of it
 * goes on
 */
export async function waitFor(target: Watched, waiting: Omit<Waiting, 'saw'>): Promise<void> {
  const { readiness, of } = target;
  if (readiness.kind === 'all' || readiness.kind === 'any') {
    await combine(readiness.kind, of, waiting);
  } else {
    await waitForCondition(readiness, { ...waiting, saw: (what) => void Object.assign(target, { lastSeen: what }) });
  }
  target.isMet = true;
}

/** The first that decides ends the others. */
async function combine(kind: 'all' | 'any', of: readonly Watched[], waiting: Omit<Waiting, 'saw'>): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([waiting.signal, over.signal]);
  const each = of.map((target) => waitFor(target, { ...waiting, signal }));
  try {
    await (kind === 'all' ? Promise.all(each) : Promise.any(each));
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    over.abort();
    await Promise.allSettled(each);
  }
}

/** The conditions that are missing, in words, each with what was last seen of it. Pure. */
export function describeMissing({ readiness, of, isMet, lastSeen }: Watched): string {
  if (isMet) return '';
  if (readiness.kind === 'all') return of.map(describeMissing).filter(Boolean).join(' and ');
  if (readiness.kind === 'any') return `one of (${of.map(describeMissing).join(', ')})`;
  return `${describeCondition(readiness)}${lastSeen === undefined ? '' : ` (${lastSeen})`}`;
}

/** A condition in a few words. Pure. */
export function describeCondition(readiness: Readiness): string {
  switch (readiness.kind) {
    case 'port':
      return describePort(readiness);
    case 'log':
      return `${(readiness.times ?? 1) > 1 ? `${readiness.times} lines` : 'a line'} of ${readiness.stream ?? 'output'} with ${inspect(readiness.pattern)}`;
    case 'http':
      return `${readiness.tls === true ? 'https' : 'http'} on ${describePort(readiness)}, ${readiness.path ?? '/'}`;
    case 'exec':
      return `success of ${JSON.stringify(readiness.command)}`;
    case 'healthy':
      return 'a passed health check';
    case 'exit':
      return `exit code ${readiness.code ?? 0}`;
    case 'check':
      return `check ${readiness.check.name === '' || readiness.check.name === 'check' ? 'of a function' : `'${readiness.check.name}'`}`;
    default:
      return readiness.of.map(describeCondition).join(readiness.kind === 'all' ? ' and ' : ' or ');
  }
}

function describePort({ port, host }: PortReady | HttpReady): string {
  return `port ${port}${host === undefined ? '' : ` at ${host}`}`;
}
