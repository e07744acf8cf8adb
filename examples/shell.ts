// An interactive shell in a container, with a real terminal: as if it ran here, until `exit` or Ctrl-D.
// Run it: npx tsx examples/shell.ts
import { constants } from 'node:os';
import { Container, Image } from 'caisson';

const { stdin, stdout } = process;
if (!stdin.isTTY || !stdout.isTTY) {
  console.error('this needs a terminal: run it in one, without a pipe or a redirection');
  process.exit(1);
}

await using shell = await Container.start(Image.host(), {
  command: ['sh'],
  hostname: 'box',
  env: { PS1: 'box# ', TERM: process.env.TERM },
  tty: { columns: stdout.columns, rows: stdout.rows },
});

try {
  // From here on every key goes to the shell, Ctrl-C too.
  stdin.setRawMode(true);
  stdin.on('data', (keys) => shell.stdin.write(keys));
  stdout.on('resize', () => shell.resize({ columns: stdout.columns, rows: stdout.rows }));
  for await (const output of shell.stdout ?? []) stdout.write(output);
} finally {
  stdin.setRawMode(false);
  stdin.pause();
}

const { exitCode, signal } = await shell.wait();
process.exitCode = exitCode ?? 128 + constants.signals[signal ?? 'SIGKILL'];
