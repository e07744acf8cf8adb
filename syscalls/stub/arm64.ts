/**
 * The interpreter for arm64. `x19` is the current record; `x20` and `x21` are the last record whose system
 * call failed and its negative error number. Instruction for instruction the twin of x64.ts.
 */
import { code } from './code.ts';
import type { Machine } from './machine.ts';

const EM_AARCH64 = 183;

const ENTER_FUNCTION = code([
  'f353bea9', // stp x19, x20, [sp, -32]!
  'f50b00f9', // str x21, [sp, 16]
  'f30300aa', // mov x19, x0
]);

const INTERPRETER = code([
  // next:
  '680240f9', // ldr x8, [x19]
  '608640a9', // ldp x0, x1, [x19, 8]
  '628e41a9', // ldp x2, x3, [x19, 24]
  '649642a9', // ldp x4, x5, [x19, 40]
  '692a40f9', // ldr x9, [x19, 80]
  '49000036', // tbz x9, 0, 1f
  '000040f9', // ldr x0, [x0]
  '49000836', // 1: tbz x9, 1, 1f
  '210040f9', // ldr x1, [x1]
  '49001036', // 1: tbz x9, 2, 1f
  '420040f9', // ldr x2, [x2]
  '49001836', // 1: tbz x9, 3, 1f
  '630040f9', // ldr x3, [x3]
  '49002036', // 1: tbz x9, 4, 1f
  '840040f9', // ldr x4, [x4]
  '49002836', // 1: tbz x9, 5, 1f
  'a50040f9', // ldr x5, [x5]
  '8801f8b7', // 1: tbnz x8, 63, operation
  '010000d4', // svc 0
  '6a1e40f9', // ldr x10, [x19, 56]
  '400100f9', // str x0, [x10]
  '1ffc3fb1', // cmn x0, 4095
  '62000054', // b.cs failed
  // succeeded:
  '732240f9', // ldr x19, [x19, 64]
  'e8ffff17', // b next
  // failed:
  'f40313aa', // mov x20, x19
  'f50300aa', // mov x21, x0
  // otherwise:
  '732640f9', // ldr x19, [x19, 72]
  'e4ffff17', // b next
  // operation:
  '080500b1', // adds x8, x8, 1
  '80010054', // b.eq equal
  '080500b1', // adds x8, x8, 1
  'a0010054', // b.eq addition
  '080500b1', // adds x8, x8, 1
  'a0010054', // b.eq conjunction
  '080500b1', // adds x8, x8, 1
  '20020054', // b.eq failure
  '080500b1', // adds x8, x8, 1
  '60010054', // b.eq shift
  'f50b40f9', // ldr x21, [sp, 16]
  'f353c2a8', // ldp x19, x20, [sp], 32
  'c0035fd6', // ret
  // equal:
  '1f0001eb', // cmp x0, x1
  '80fdff54', // b.eq succeeded
  'efffff17', // b otherwise
  // addition:
  '0000018b', // add x0, x0, x1
  '04000014', // b store
  // conjunction:
  '0000018a', // and x0, x0, x1
  '02000014', // b store
  // shift:
  '0024c19a', // lsr x0, x0, x1
  // store:
  '6a1e40f9', // ldr x10, [x19, 56]
  '400100f9', // str x0, [x10]
  'e3ffff17', // b succeeded
  // failure:
  '145400a9', // stp x20, x21, [x0]
  'e1ffff17', // b succeeded
]);

/** Stubs for arm64. */
export const ARM64: Machine = {
  elfMachine: EM_AARCH64,
  startAt(record) {
    const MOVZ_X19 = 0xd280_0013;
    const MOVK_X19_LSL_16 = 0xf2a0_0013;
    const start = new Uint8Array(8);
    const view = new DataView(start.buffer);
    view.setUint32(0, (MOVZ_X19 | ((record & 0xffff) << 5)) >>> 0, true);
    view.setUint32(4, (MOVK_X19_LSL_16 | ((record >>> 16) << 5)) >>> 0, true);
    return start;
  },
  enterFunction: ENTER_FUNCTION,
  interpreter: INTERPRETER,
};
