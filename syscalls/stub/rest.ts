/**
 * A stub that is launched before all that it is to do is decided: it begins, waits, and takes the rest from a pipe.
 *
 *     this thread                      stub
 *     ───────────                      ────
 *     launch ────────────────────────▶ its first steps
 *     decides                            (meanwhile)
 *     giveRest ──── length, end ───────▶ read; mmap
 *              ──── records, data ─────▶ read … up to the end; goes on with them
 *     end of file, or its own end ─────▶ exits
 */
import { hasCode } from '../error.ts';
import { close, read, write } from '../files.ts';
import { memory, variable } from '../memory.ts';
import { exit_group, MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, mmap, PROT_READ, PROT_WRITE } from '../process.ts';
import { add, equal, type Step } from '../step.ts';
import { type Compiled, REST_LABEL } from './compile.ts';
import { REST_ADDRESS } from './elf.ts';

/** What comes first: how long the rest is, and the address that it ends at. */
const HEAD_BYTES = 16;

/** More than can be read at once: as much as there is. */
const ALL = 0x7fff_f000;

/**
 * Waits for the rest of a program and goes on with it: the last steps of what is launched ahead.
 * @param descriptor the read end of a pipe, whose other end nobody has but who launches
 */
export function takeRest(descriptor: number): Step[] {
  const [length, end] = [variable('length of the rest'), variable('end of the rest')];
  const [at, taken] = [variable('end of what was taken'), variable('bytes taken')];
  const head = memory(new Uint8Array(HEAD_BYTES), [
    { offset: 0, to: length },
    { offset: 8, to: end },
  ]);
  const what = 'waiting for the rest of the plan';
  const [access, kind] = [PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED];
  return [
    read.step(what, [descriptor, head, HEAD_BYTES], { into: taken }),
    equal(taken, HEAD_BYTES, { otherwise: 'no rest of the plan' }),
    mmap.step('making room for it', [BigInt(REST_ADDRESS), length, access, kind, -1, 0], { into: at }),
    read.step('taking it', [descriptor, at, ALL], { label: 'take the rest', into: taken }),
    equal(taken, 0, { next: 'no rest of the plan' }),
    add(at, taken, at),
    equal(at, end, { otherwise: 'take the rest' }),
    close.step('closing its pipe', [descriptor], { next: REST_LABEL }),
    exit_group.step('ending without a rest', [1], { label: 'no rest of the plan' }),
  ];
}

/**
 * Gives a program that was launched ahead its rest. What a pipe does not hold, 64 KiB unless this user has too many of them
 * (man 7 pipe), this thread waits with until the stub is there.
 *
 * @param descriptor the pipe's other end, which stays the caller's and blocks
 * @param bytes the rest, where it is not quite the compiled one
 * @returns false when the program has ended: its report tells why, unless it was killed
 */
export function giveRest(descriptor: number, { rest }: Compiled, bytes = rest?.bytes): boolean {
  if (bytes === undefined) throw new Error('bug in caisson: a program that is launched as a whole has no rest');
  const all = Buffer.allocUnsafe(HEAD_BYTES + bytes.length);
  all.writeBigUInt64LE(BigInt(bytes.length));
  all.writeBigUInt64LE(BigInt(REST_ADDRESS + bytes.length), 8);
  all.set(bytes, HEAD_BYTES);
  try {
    for (let left = all; left.length > 0; left = left.subarray(write(descriptor, left, left.length)));
    return true;
  } catch (error) {
    if (!hasCode(error, 'EPIPE')) throw error;
    return false;
  }
}
