/** Turns the kernel's answer to a step about namespaces into what the user can do about it. */
import { CaissonError, type SyscallError } from '../../syscalls/index.ts';
import { JOINING } from '../plan/launch.ts';
import { TIME_OFFSETS } from '../plan/time.ts';
import { joinsNamespace, type Spec } from '../spec/spec.ts';

/** The error to throw; undefined when it is about something else. */
export function explainNamespace(error: SyscallError, spec: Spec): CaissonError | undefined {
  const { purpose = '', code } = error;
  if (purpose.startsWith(JOINING)) return explainJoining(error, spec);
  // man 7 pid_namespaces: one whose first process has ended takes no other.
  if (purpose === 'making the process' && code === 'ENOMEM' && joinsNamespace(spec, 'pid'))
    return gone(error, spec, 'pid');
  if (purpose.endsWith(TIME_OFFSETS) && code === 'ERANGE') {
    const asked = JSON.stringify(spec.linux.timeOffsets);
    return new CaissonError(
      'TIME_OFFSET_OUT_OF_RANGE',
      `the clocks cannot be moved by ${asked}: they may not go below 0`,
      {
        hint: 'they count from when the machine was started',
        cause: error,
      },
    );
  }
  const isTime = purpose.endsWith('time namespace') || purpose.endsWith(TIME_OFFSETS);
  if (!isTime || !['EINVAL', 'ENOENT'].includes(code)) return undefined;
  return new CaissonError('TIME_NAMESPACE_UNSUPPORTED', `this kernel has no time namespaces: ${error.message}`, {
    hint: 'they take Linux 5.6, built with CONFIG_TIME_NS',
    cause: error,
  });
}

function explainJoining(error: SyscallError, spec: Spec): CaissonError | undefined {
  const type = error.purpose?.slice(JOINING.length).trim().split(' ')[0] ?? '';
  if (error.code !== 'EPERM') return undefined;
  const message = `this user may not join ${nameOf(spec, type)}: it belongs to a user namespace that he has no rights in`;
  const isPath = spec.linux.namespaces.some((each) => each.type === type && each.path !== undefined);
  return new CaissonError('NAMESPACE_NOT_PERMITTED', message, {
    hint: isPath
      ? "a container's is given by { container }; others take root and userns: 'host'"
      : "give the container the same { container } as 'userns', or as root userns: 'host'",
    cause: error,
  });
}

function gone(cause: SyscallError, spec: Spec, type: string): CaissonError {
  const message = `${nameOf(spec, type)} cannot be joined: its first process has ended`;
  return new CaissonError('NAMESPACE_GONE', message, { cause });
}

function nameOf({ linux }: Spec, type: string): string {
  const found = linux.namespaces.find((namespace) => namespace.type === type);
  const whose = found?.path === undefined ? `of container ${found?.container}` : `at '${found.path}'`;
  return `the ${type} namespace ${whose}`;
}
