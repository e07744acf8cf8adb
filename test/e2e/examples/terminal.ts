import { execFileSync, spawn } from 'node:child_process';
import { expect, type TestContext } from 'vitest';
import { nodeFor } from '../../support/built-package.ts';
import { expectNothingLeft, traces } from '../../support/leftovers.ts';
import { startScript } from '../../support/script.ts';
import { exampleFile } from './example.ts';

/** An example in a terminal, as a person has it. */
export interface TerminalExample {
  /** Its CAISSON_ROOT. */
  readonly store: string;
  /** The process id of the example. */
  readonly pid: number;
  type(keys: string): void;
  resize(rows: number, columns: number): void;
  /** Waits until the text is on the screen, after what was waited for last; returns what was matched. */
  shows(text: string | RegExp): Promise<string>;
  /**
   * Waits for the end: the exit code as a shell has it, and the terminal's modes before and after, as `stty -g` says
   * them. Fails if anything is left, outside the store.
   */
  ended(): Promise<{ readonly exitCode: number; readonly before: string; readonly after: string }>;
}

const SCREEN = { rows: 24, columns: 80 };

/** Starts an example in a pseudo-terminal of script(1), with a shell around it that tells of modes and exit code. */
export async function startInTerminal(context: TestContext, name: string, uid: number): Promise<TerminalExample> {
  // Run without a terminal first, which places it in a home of the user's with the package beside it.
  const { home, store, finished } = startScript(context, exampleFile(name), { uid });
  await finished;
  const tracesBefore = traces();

  const around = `stty rows ${SCREEN.rows} cols ${SCREEN.columns}
    echo "before=$(stty -g)"; echo "terminal=$(tty)"
    sh -c 'echo "pid=$$"; exec "$0" script.mjs' "$NODE"
    echo "exit code=$?"; echo "after=$(stty -g)"`;
  const { PATH = '/usr/bin:/bin' } = process.env;
  const env = {
    PATH,
    HOME: home,
    CAISSON_ROOT: store,
    TERM: 'xterm',
    NODE: nodeFor(uid),
    AROUND: around,
    SHELL: '/bin/sh',
  };
  // Its input stays open: at the end of it, script(1) types a Ctrl-D of its own.
  const script = spawn('script', ['-qec', 'eval "$AROUND"', '/dev/null'], { cwd: home, uid, gid: uid, env });
  context.onTestFinished(() => void script.kill('SIGKILL'));
  script.stdin.on('error', () => {}); // EPIPE when it has ended
  let screen = '';
  let seen = 0;
  script.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text.replaceAll('\r', '');
  });

  const shows = async (text: string | RegExp) => {
    const pattern = typeof text === 'string' ? new RegExp(text.replace(/[^\w ]/g, '\\$&')) : text;
    await expect.poll(() => screen.slice(seen), { timeout: 15_000, interval: 20 }).toMatch(pattern);
    const match = pattern.exec(screen.slice(seen));
    seen += (match?.index ?? 0) + (match?.[0].length ?? 0);
    return match?.[1] ?? match?.[0] ?? '';
  };
  const before = await shows(/before=(\S+)\n/);
  const terminal = await shows(/terminal=(\S+)\n/);
  return {
    store,
    pid: Number(await shows(/pid=(\d+)\n/)),
    type: (keys) => void script.stdin.write(keys),
    resize: (rows, columns) => void execFileSync('stty', ['-F', terminal, 'rows', `${rows}`, 'cols', `${columns}`]),
    shows,
    async ended() {
      const exitCode = Number(await shows(/exit code=(\d+)\n/));
      const after = await shows(/after=(\S+)\n/);
      script.stdin.end();
      await expectNothingLeft(tracesBefore);
      return { exitCode, before, after };
    },
  };
}
