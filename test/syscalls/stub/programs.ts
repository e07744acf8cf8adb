/** Programs as ELF files of their own, executed without any launch. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import {
  type Architecture,
  assemble,
  elfImage,
  exit_group,
  MACHINES,
  REPORT_DESCRIPTOR,
  reportTo,
  type Step,
  TABLE_ADDRESS,
  write,
} from '../../../syscalls/index.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { isOnPath } from './binutils.ts';

const EMULATOR: Readonly<Record<Architecture, string>> = { x64: 'qemu-x86_64', arm64: 'qemu-aarch64' };

/** How a program ended, and what it wrote. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** The step that was reported to descriptor 3, and its negative error number. */
  readonly failure: { readonly step: number | undefined; readonly errno: number } | undefined;
}

/** The ELF file of steps, for either architecture: what stubImage() makes for this one. */
export function imageFor(arch: Architecture, steps: readonly Step[]): Uint8Array {
  return elfImage(MACHINES[arch], assembled(arch, steps));
}

/** Writes the ELF file of steps and executes it: on this machine, or in an emulator of the other. */
export async function runSteps(context: TestContext, arch: Architecture, steps: readonly Step[]): Promise<Ended> {
  const emulator = arch === process.arch ? undefined : EMULATOR[arch];
  requires(context, emulator === undefined || isOnPath(emulator), `${emulator} (qemu-user)`);
  const file = join(temporaryDirectory(context), 'stub');
  writeFileSync(file, imageFor(arch, steps), { mode: 0o755 });
  const [program, ...args] = emulator === undefined ? [file] : [emulator, file];

  const child = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  context.onTestFinished(() => void child.kill('SIGKILL'));
  const output = { 1: [] as Buffer[], 3: [] as Buffer[] };
  for (const descriptor of [1, 3] as const) {
    child.stdio[descriptor]?.on('data', (chunk: Buffer) => output[descriptor].push(chunk));
  }
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject).once('close', (...end) => resolve(end));
  });
  const report = Buffer.concat(output[3]);
  return { exitCode, signal, stdout: Buffer.concat(output[1]).toString(), failure: decode(report, arch, steps) };
}

/** A report is an address of a record and a negative error number, 64 bits each. */
function decode(report: Buffer, arch: Architecture, steps: readonly Step[]): Ended['failure'] {
  if (report.length === 0) return undefined;
  if (report.length !== 16) throw new Error(`a report has 16 bytes, got ${report.length}`);
  const address = Number(report.readBigUInt64LE(0));
  return { step: assembled(arch, steps).stepAt(address), errno: Number(report.readBigInt64LE(8)) };
}

function assembled(arch: Architecture, steps: readonly Step[]) {
  const epilogue = reportTo(REPORT_DESCRIPTOR, { write, exit: exit_group });
  return assemble(steps, { arch, base: TABLE_ADDRESS, epilogue });
}
