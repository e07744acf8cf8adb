/** Debian's docker-registry on loopback, with its files in the workspace. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, track } from '../processes.ts';

/** A registry that runs. */
export interface Registry {
  /** With its port: `127.0.0.1:34567`. */
  readonly host: string;
  close(): void;
}

/** Starts a registry. @throws when it is not installed, or does not start */
export async function startRegistry(directory: string): Promise<Registry> {
  const config = {
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: join(directory, 'registry') } },
    http: { addr: '127.0.0.1:0' },
  };
  const file = join(directory, 'registry.json');
  writeFileSync(file, JSON.stringify(config));
  const child = track(spawn(findProgram('docker-registry'), ['serve', file], { stdio: ['ignore', 'ignore', 'pipe'] }));
  let log = '';
  const host = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-10_000);
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(log)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once('error', reject).once('exit', () => reject(new Error(`docker-registry has ended: ${log}`)));
  });
  return { host, close: () => void child.kill() };
}
