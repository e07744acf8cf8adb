/** What the functions of this folder work with, and how they open files. */
import { fstatSync } from 'node:fs';
import { close, O_CREAT, O_NOCTTY, O_NONBLOCK, O_PATH, RESOLVE_NO_MAGICLINKS } from '../../syscalls/index.ts';
import type { Agent, AgentFile } from '../engine/agent.ts';
import type { IdMapping, SpecIds } from '../spec/spec.ts';
import { asked, assertLength, failure } from './error.ts';
import { UMASK } from './flags.ts';
import { type RawPath, ROOT, toBytes } from './path.ts';

/** A container's files, with an agent among them. */
export interface Session {
  readonly agent: Agent;
  /** Whether the container runs, and the agent is in its network. */
  readonly isRunning: boolean;
  /** The container's ids and the host's that stand behind them; none when they are the same. */
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
  /** Where they come from, as far as it is known. */
  readonly ids?: SpecIds | undefined;
}

/** How a file is opened in a container. */
export interface OpenHow {
  /** Of open(2). */
  readonly flags: number;
  /** Of a file that is made. @default 0o666, less the umask */
  readonly mode?: number | undefined;
  /** Rules for the path, besides the ones that hold for all (`RESOLVE_…`). */
  readonly resolve?: number;
  /** What the path is taken from: a descriptor of the agent. @default the container's root */
  readonly from?: number;
  /** What an error says was being done. @default 'open' */
  readonly syscall?: string;
}

/**
 * Opens a file in the agent. A FIFO does not make it wait, devices are refused (EACCES), and links of /proc that are
 * none are not followed (ELOOP).
 */
export function openInAgent({ agent }: Session, path: RawPath, how: OpenHow): AgentFile {
  const { flags, mode = 0o666 & ~UMASK, resolve = 0, from = ROOT } = how;
  return agent.open(from, toBytes(path), {
    flags: (flags & O_PATH) !== 0 ? flags : flags | O_NONBLOCK | O_NOCTTY,
    mode: (flags & O_CREAT) !== 0 ? mode : 0,
    resolve: resolve | RESOLVE_NO_MAGICLINKS,
  });
}

/**
 * Opens a file of a container; the descriptor is this process's, and the caller's to close.
 * @throws SyscallError in node:fs's words; ENXIO for what is neither a file nor a directory, unless opened with O_PATH
 */
export async function openInContainer(session: Session, path: RawPath, how: OpenHow): Promise<number> {
  const question = { syscall: how.syscall ?? 'open', path };
  assertLength(question);
  const file = openInAgent(session, path, how);
  const taking = session.agent.take(file);
  void file.close();
  const [opened, taken] = await Promise.allSettled([asked(question, file.opened), asked(question, taking)]);
  if (taken.status === 'rejected') throw opened.status === 'rejected' ? opened.reason : taken.reason;
  const stat = fstatSync(taken.value);
  if ((how.flags & O_PATH) !== 0 || stat.isFile() || stat.isDirectory()) return taken.value;
  close(taken.value);
  throw failure('ENXIO', question);
}
