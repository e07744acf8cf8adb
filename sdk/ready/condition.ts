/** What each condition does to find out whether it holds. */
import { setTimeout as pause } from 'node:timers/promises';
import { CaissonError } from '../../syscalls/index.ts';
import type { Container } from '../container.ts';
import type { ContainerInfo } from '../container-info.ts';
import type { ExitStatus } from '../engine/exit-status.ts';
import type { ContainerHealth } from '../health-status.ts';
import { hasNamespace } from '../spec/spec.ts';
import { lacksAnswer } from './http.ts';
import type { OutputLines } from './lines.ts';
import { lacksListener } from './port.ts';
import type { CheckReady, ExecReady, ExitReady, LogReady, PortReady, Readiness } from './readiness.ts';

/** What a condition has to look at. */
export interface Waiting {
  readonly container: Container;
  /** Resolves with how the container's first process has ended. */
  readonly ended: Promise<ExitStatus>;
  readonly output: OutputLines;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Takes down what was seen last, in words: for the error. */
  saw(what: string): void;
}

type Leaf = Exclude<Readiness, { readonly kind: 'all' | 'any' }>;

/** The pause between two looks: this at first, and then more, since what is slow to start needs no quick answer. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;

/** Resolves when a condition holds; rejects when it cannot hold any more, or its signal is aborted. */
export function waitForCondition(leaf: Leaf, waiting: Waiting): Promise<void> {
  switch (leaf.kind) {
    case 'exit':
      return exit(leaf, waiting);
    case 'log':
      return log(leaf, waiting);
    case 'healthy':
      return whileItRuns(waiting, healthy(waiting));
    default:
      return whileItRuns(
        waiting,
        look(waiting, () => lacking(leaf, waiting)),
      );
  }
}

/** What is missing, in words; undefined when nothing is. */
async function lacking(
  leaf: Exclude<Leaf, { readonly kind: 'exit' | 'log' | 'healthy' }>,
  { container, signal }: Waiting,
): Promise<string | undefined> {
  switch (leaf.kind) {
    case 'port':
      return lacksPort(leaf, container.inspect());
    case 'http':
      return lacksAnswer(leaf, (port, options) => container.connect(port, options), signal);
    case 'exec':
      return failedCommand(leaf, container, signal);
    case 'check':
      return saidNo(leaf, container, signal);
  }
}

/** Looks again and again. What is thrown means that it is not there yet. */
async function look({ signal, saw }: Waiting, attempt: () => Promise<string | undefined>): Promise<void> {
  for (let delay = FIRST_PAUSE_MS; ; delay = Math.min(delay * 1.5, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted();
    const seen = await attempt().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    signal.throwIfAborted();
    if (seen === undefined) return;
    saw(seen);
    await pause(delay, undefined, { signal });
  }
}

/** A container that has ended will not come to it. */
function whileItRuns({ ended }: Waiting, met: Promise<void>): Promise<void> {
  const failed = ended.then(() => Promise.reject(new Error('the container has ended')));
  return Promise.race([met, failed]);
}

async function lacksPort(leaf: PortReady, { pid, spec }: ContainerInfo): Promise<string | undefined> {
  if (pid === null) return 'the container does not run';
  return lacksListener(pid, leaf, spec !== null && hasNamespace(spec, 'network'));
}

async function failedCommand(
  { command, options }: ExecReady,
  container: Container,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { exitCode, signal: killed, stdout, stderr } = await container.exec(command, { ...options, signal });
  if (exitCode === 0) return undefined;
  const said = (stderr.trim() === '' ? stdout : stderr).trim().split('\n').at(-1) ?? '';
  return `${killed ?? `exit code ${exitCode}`}${said === '' ? '' : `: ${said.slice(0, 200)}`}`;
}

/** Who does not answer keeps nobody longer than the signal says. */
async function saidNo({ check }: CheckReady, container: Container, signal: AbortSignal): Promise<string | undefined> {
  const answer = await until<boolean>(signal, (met, failed) => {
    Promise.resolve(check(container, signal)).then(met, failed);
    return undefined;
  });
  return answer === true ? undefined : 'it said no';
}

/** @throws CaissonError NO_HEALTH_CHECK */
async function healthy(waiting: Waiting): Promise<void> {
  const { container } = waiting;
  if (container.health === null) {
    throw new CaissonError('NO_HEALTH_CHECK', 'the container has no health check to wait for');
  }
  return look(waiting, async () => {
    const { health } = container;
    return health?.status === 'healthy' ? undefined : describeHealth(health ?? NEVER_CHECKED);
  });
}

const NEVER_CHECKED: ContainerHealth = { status: 'starting', failingStreak: 0, log: [] };

function describeHealth({ status, log }: ContainerHealth): string {
  const last = log.at(-1);
  return last === undefined ? `${status}, not checked yet` : `${status}: ${last.output.trim().slice(-200)}`;
}

async function exit({ code = 0 }: ExitReady, { ended, saw, signal }: Waiting): Promise<void> {
  saw('it runs');
  const status = await until<ExitStatus>(signal, (met, failed) => {
    ended.then(met, failed);
    return undefined;
  });
  if (status.exitCode === code) return;
  saw(status.signal ?? `exit code ${status.exitCode}`);
  throw new Error(`it ended otherwise than with ${code}`);
}

function log({ pattern, times = 1, stream }: LogReady, { output, signal, saw }: Waiting): Promise<void> {
  // An expression with g or y would begin each search where the last one ended.
  const expression = pattern instanceof RegExp ? new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')) : null;
  const matches = (line: string) => expression?.test(line) ?? line.includes(pattern as string);
  let found = 0;
  saw('no line');
  return until(signal, (met, failed) => {
    const stopListening = output.listen((line, from, isWhole) => {
      if (stream !== undefined && from !== stream) return;
      if (!isWhole) {
        // What an expression says of a line may change as that goes on; a text that is there stays.
        if (expression === null && matches(line) && found + 1 >= times) met();
        return;
      }
      if (matches(line)) found++;
      if (found >= times) met();
      else saw(`${found === 0 ? '' : `${found} of ${times}, `}last line: ${line.slice(0, 200)}`);
    });
    output.ended.then(() => failed(new Error('its output has ended')));
    return stopListening;
  });
}

/** A promise that an abort rejects. @param begin returns what ends whatever it began */
function until<T = void>(
  signal: AbortSignal,
  begin: (met: (value: T) => void, failed: (reason: unknown) => void) => (() => void) | undefined,
): Promise<T> {
  let release: (() => void) | undefined;
  let abort = () => {};
  const promise = new Promise<T>((resolve, reject) => {
    signal.throwIfAborted();
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    release = begin(resolve, reject);
  });
  return promise.finally(() => {
    signal.removeEventListener('abort', abort);
    release?.();
  });
}
