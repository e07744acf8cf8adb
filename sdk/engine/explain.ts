/** Turns the kernel's answer to a step into what the user can do about it. */
import { isMachineRoot } from '../../store/places.ts';
import { CaissonError, SyscallError } from '../../syscalls/index.ts';
import { COMMAND_PURPOSE } from '../plan/command.ts';
import { MAKING_NETWORK } from '../plan/network.ts';
import type { Spec } from '../spec/spec.ts';
import { explainMount } from './explain-mounts.ts';
import { explainNamespace } from './explain-namespaces.ts';
import { findRestriction, OUTER_RESTRICTION, OVERLAY_REMEDY } from './restrictions.ts';

/** What is explained: which process was to be started, where. */
export interface Attempt {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly spec: Spec;
}

/** The error to throw for a failed start: the same one where there is nothing to add. */
export function explainStart(error: unknown, attempt: Attempt): unknown {
  if (!(error instanceof SyscallError)) return error;
  if (error.purpose === COMMAND_PURPOSE) return explainCommand(error, attempt);
  if (error.purpose === 'entering the working directory') {
    const message = `the working directory '${attempt.cwd}' of the process cannot be entered: ${error.code}`;
    return new CaissonError('WORKDIR_NOT_FOUND', message, { cause: error });
  }
  if (error.purpose === 'mounting the root') return explainOverlay(error, attempt);
  return (
    explainNamespace(error, attempt.spec) ??
    explainMount(error, attempt.spec.mounts) ??
    explainUserNamespace(error, attempt) ??
    error
  );
}

function explainCommand(error: SyscallError, { args, cwd }: Attempt): CaissonError {
  const [name = ''] = args;
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    const hint = name.includes('/')
      ? 'it, the interpreter in its first line or its dynamic loader is not in the container'
      : "it is in no directory of the container's PATH";
    return new CaissonError('COMMAND_NOT_FOUND', `command '${name}' not found, in '${cwd}'`, {
      exitCode: 127,
      hint,
      cause: error,
    });
  }
  const hints: Readonly<Record<string, string>> = {
    EACCES: 'it is a directory, or not executable for this user',
    ENOEXEC: 'it is no program of this architecture, and has no #! line',
    E2BIG: 'its arguments and environment are too long',
  };
  const message = `command '${name}' cannot be executed: ${error.code}`;
  return new CaissonError('COMMAND_NOT_EXECUTABLE', message, { exitCode: 126, hint: hints[error.code], cause: error });
}

function explainOverlay(error: SyscallError, { spec }: Attempt): CaissonError {
  const where = spec.root.upper === 'tmpfs' ? 'memory' : `'${spec.root.path}'`;
  const message = `the layers could not be shown as one, with changes kept in ${where}: ${error.code}`;
  return new CaissonError('OVERLAY_REFUSED', message, { hint: OVERLAY_REMEDY, cause: error });
}

function explainUserNamespace(error: SyscallError, { spec }: Attempt): CaissonError | undefined {
  const isRootless = spec.linux.uidMappings.length > 0;
  const isRefusal = ['EPERM', 'EACCES', 'ENOSPC', 'EUSERS'].includes(error.code);
  const isSetup =
    error.syscall === 'clone3' ||
    error.purpose === MAKING_NETWORK ||
    /^(opening|writing)\b.*\/proc\/self\//.test(error.purpose ?? '') ||
    error.syscall === 'mount';
  if (!isRootless || !isRefusal || !isSetup) return undefined;
  const hint = findRestriction(isMachineRoot())?.remedy ?? OUTER_RESTRICTION;
  return new CaissonError('NO_USER_NAMESPACES', `this user may not make user namespaces: ${error.message}`, {
    hint,
    cause: error,
  });
}
