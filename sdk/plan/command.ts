/** The last step: becoming the command, searched for as execvp(3) does. */
import { type Argument, add, equal, execve, type Step, stringArray, variable } from '../../syscalls/index.ts';
import type { SpecProcess } from '../spec/spec.ts';

/** The purpose of the steps that enter the command: an error in one of them is about the command itself. */
export const COMMAND_PURPOSE = 'executing the command';

/**
 * Tries each directory of the process's own PATH. A file that may not be executed does not end the search; when
 * nothing else is found, it is tried again, so that its error and not the last ENOENT is the one reported.
 */
export function enterCommand({ args, env }: Pick<SpecProcess, 'args' | 'env'>): Step[] {
  const [name = ''] = args;
  const argv = stringArray(args);
  const envp = stringArray(env);
  const enter = (path: Argument, onError?: Record<string, string>, label?: string) => {
    return execve.step(COMMAND_PURPOSE, [path, argv, envp], { onError, label });
  };
  if (name.includes('/')) return [enter(name)];

  const denied = variable('path of a file that may not be executed');
  const candidates = searchPath(env).map((directory) => `${directory}/${name}`);
  const last = candidates.length - 1;
  const attempts = candidates.flatMap((path, index) => {
    const next = `search ${index + 1}`;
    const refused = `denied ${index}`;
    return [
      enter(path, { ENOENT: next, ENOTDIR: next, EACCES: refused }, `search ${index}`),
      add(path, 0, denied, { label: refused, next }),
    ];
  });
  return [
    add(0, 0, denied),
    ...attempts,
    equal(denied, 0, { label: `search ${last + 1}`, otherwise: 'try the denied file again' }),
    enter(candidates[last] ?? name),
    enter(denied, undefined, 'try the denied file again'),
  ];
}

/** Where execvp(3) of a process without PATH looks. */
const PATH_WITHOUT_PATH = '/bin:/usr/bin';

/** The directories of PATH; an empty one is the working directory. */
function searchPath(env: readonly string[]): string[] {
  const path = env.find((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ?? PATH_WITHOUT_PATH;
  return path.split(':').map((directory) => (directory === '' ? '.' : directory));
}
