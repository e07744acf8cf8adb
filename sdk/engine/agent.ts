/**
 * The owner's side of an agent: a process without JavaScript that has entered some namespaces and makes system calls
 * there for this process (plan/agent.ts has the ways in, plan/agent-loop.ts what it does there).
 *
 * Calls are made in the order they are asked for, and none waits for the answer to the one before: a thousand are a few
 * writes and reads of a socket. An agent keeps this process from ending while an answer is awaited, and else not.
 */
import {
  AF_UNIX,
  type Argument,
  CaissonError,
  type Compiled,
  close,
  F_SETFL,
  fcntl,
  O_CLOEXEC,
  O_NONBLOCK,
  OPEN_HOW,
  openat2,
  type Path,
  pathsOf,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  type Syscall,
  SyscallError,
  type SyscallFailure,
  socketpair,
} from '../../syscalls/index.ts';
import { AGENT_SOCKET, AGENT_TARGET } from '../plan/agent.ts';
import { AGENT_SLOTS } from '../plan/agent-loop.ts';
import { type Request, requestCall, requestOpen, requestSend, requestSocket } from './agent-request.ts';
import { AgentSocket } from './agent-socket.ts';
import { type Child, type LaunchValues, launchInit } from './child.ts';
import type { Pair } from './pipe.ts';

/** How a file is opened: flags of open(2), the mode of a new one, rules for its path (`RESOLVE_…`). */
export interface AgentOpenHow {
  readonly flags: number;
  readonly mode?: number;
  readonly resolve?: number;
}

/** Something that an agent has open. Its descriptor is the agent's, for calls of the agent. */
export interface AgentFile extends AsyncDisposable {
  /** Usable at once in further calls: they fail with EBADF when opening does. */
  readonly descriptor: number;
  /** Resolves when it is open. @throws SyscallError when it could not be; then it is closed already */
  readonly opened: Promise<void>;
  /** Closes it. Idempotent. */
  close(): Promise<void>;
}

/** A process that makes system calls in other namespaces. */
export interface Agent extends AsyncDisposable {
  /** Whether it is still there, as far as is known. */
  readonly isOpen: boolean;
  /**
   * Makes a call in the agent: one of `AGENT_CALLS`. Paths given as bytes end with a NUL. The buffer that the kernel
   * writes to is filled when the promise resolves.
   *
   * @returns the result of the call
   * @throws SyscallError when the kernel refuses
   * @throws CaissonError AGENT_ENDED when the agent is closed or gone
   * @example await agent.call(fchownat, AT_FDCWD, '/var/lib/x', 100, 101, AT_SYMLINK_NOFOLLOW)
   */
  call<Args extends readonly Argument[]>(call: Syscall<Args>, ...args: Args): Promise<number>;
  /**
   * Opens a file in the agent, by openat2(2).
   * @param directory AT_FDCWD or the descriptor of an {@link AgentFile}
   */
  open(directory: number, path: Path, how: AgentOpenHow): AgentFile;
  /**
   * Makes a socket in the agent, and so in its network namespace, where it stays wherever it is taken.
   * @param type SOCK_STREAM and the like, with flags
   */
  socket(domain: number, type: number, protocol: number): AgentFile;
  /** A copy of an agent's descriptor in this process, for the caller to close. */
  take(file: Pick<AgentFile, 'descriptor'>): Promise<number>;
  /** Ends it, and with it what is asked for and not answered yet. Resolves when nothing of it is left. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts an agent; resolves when it is where it belongs.
 *
 * @param compiled a plan of plan/agent.ts
 * @param target what the agent enters: a pidfd or a namespace file, which stays the caller's
 * @param values what else the plan's variables stand for
 * @throws SyscallError when a step of the plan failed; then nothing is left of it
 */
export async function openAgent(compiled: Compiled, target?: number, values: LaunchValues = {}): Promise<Agent> {
  const { ours, theirs } = openSocket();
  let launched: ReturnType<typeof launchInit>;
  try {
    const { image, program } = compiled;
    const wired = {
      ...values,
      [AGENT_SOCKET.name]: theirs,
      ...(target === undefined ? {} : { [AGENT_TARGET.name]: target }),
    };
    launched = launchInit({ compiled, image, program: () => program }, wired);
  } catch (error) {
    close(ours);
    throw error;
  } finally {
    close(theirs);
  }
  try {
    await launched.started();
  } catch (error) {
    close(ours);
    throw error;
  }
  launched.child.holds(false);
  return new OpenAgent(ours, launched.child);
}

function openSocket(): Pair {
  const ends = new Uint32Array(2);
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, new Uint8Array(ends.buffer));
  const [ours, theirs] = ends as unknown as [number, number];
  fcntl(ours, F_SETFL, O_NONBLOCK);
  return { ours, theirs };
}

class OpenAgent implements Agent {
  readonly #socket: AgentSocket;
  readonly #child: Child;
  readonly #freeSlots: number[] = [];
  #nextSlot: number = AGENT_SLOTS.first;

  constructor(descriptor: number, child: Child) {
    this.#child = child;
    this.#socket = new AgentSocket(descriptor);
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  async call<Args extends readonly Argument[]>(call: Syscall<Args>, ...args: Args): Promise<number> {
    const { result } = await this.#ask(requestCall(call, args));
    if (result < 0) throw new SyscallError({ errno: -result, syscall: call.syscall, ...pathsOf(call, args) });
    return result;
  }

  open(directory: number, path: Path, { flags, mode = 0, resolve = 0 }: AgentOpenHow): AgentFile {
    const how = OPEN_HOW.encode({ flags: flags | O_CLOEXEC, mode, resolve });
    const args = [directory, path, how, OPEN_HOW.size] as const;
    return this.#fill((slot) => requestOpen([...args, slot]), { syscall: 'openat2', ...pathsOf(openat2, args) });
  }

  socket(domain: number, type: number, protocol: number): AgentFile {
    const args = [domain, type | SOCK_CLOEXEC, protocol];
    return this.#fill((slot) => requestSocket([...args, slot]), { syscall: 'socket' });
  }

  async take({ descriptor }: Pick<AgentFile, 'descriptor'>): Promise<number> {
    const { result, descriptor: taken } = await this.#ask(requestSend(descriptor));
    if (taken === undefined) throw new SyscallError({ errno: -result, syscall: 'sendmsg' });
    return taken;
  }

  async close(): Promise<void> {
    this.#socket.close();
    this.#child.holds(true);
    this.#child.kill('SIGKILL');
    await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Opens something at a slot. @param failure what an error says besides its number */
  #fill(request: (slot: number) => Request, failure: Omit<SyscallFailure, 'errno'>): AgentFile {
    const slot = this.#freeSlots.pop() ?? this.#newSlot();
    const opened = this.#ask(request(slot)).then(({ result }) => {
      if (result < 0) throw new SyscallError({ errno: -result, ...failure });
    });
    // Whoever uses the descriptor without waiting for this learns of a failure by EBADF.
    opened.catch(() => undefined);
    let closing: Promise<void> | undefined;
    const closeOnce = async () => {
      // Requests are served in order, so whoever gets the slot next finds it free.
      this.#freeSlots.push(slot);
      // Whatever the answer, it is closed; as it is when the agent has ended.
      await this.#ask(requestCall(close, [slot])).catch(() => undefined);
    };
    const file = {
      descriptor: slot,
      opened,
      close() {
        closing ??= closeOnce();
        return closing;
      },
      [Symbol.asyncDispose]: () => file.close(),
    };
    return file;
  }

  #ask(request: Request): Promise<{ result: number; descriptor: number | undefined }> {
    return new Promise((resolve, reject) => {
      this.#socket.send(request, (result, descriptor) => {
        if (result !== undefined) resolve({ result, descriptor });
        else reject(new CaissonError('AGENT_ENDED', 'the process that acts for this one in the container has ended'));
      });
    });
  }

  #newSlot(): number {
    if (this.#nextSlot > AGENT_SLOTS.last) throw new Error('bug in caisson: an agent has too many files open');
    return this.#nextSlot++;
  }
}
