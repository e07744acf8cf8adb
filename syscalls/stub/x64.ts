/**
 * The interpreter for x86-64. `rbx` is the current record; `r12` and `r13` are the last record whose system
 * call failed and its negative error number. The stack is not used, so a CLONE_VM|CLONE_VFORK child can walk on
 * while its parent waits with its frame intact. See record.ts for the fields, ARCHITECTURE.md for the reasons.
 */
import { code } from './code.ts';
import type { Machine } from './machine.ts';

const EM_X86_64 = 62;

const ENTER_FUNCTION = code([
  '53', // push rbx
  '4154', // push r12
  '4155', // push r13
  '4889fb', // mov rbx, rdi
]);

const INTERPRETER = code([
  // next:
  '488b03', // mov rax, [rbx]
  '8b4b50', // mov ecx, [rbx+80]
  '488b7b08', // mov rdi, [rbx+8]
  '488b7310', // mov rsi, [rbx+16]
  '488b5318', // mov rdx, [rbx+24]
  '4c8b5320', // mov r10, [rbx+32]
  '4c8b4328', // mov r8, [rbx+40]
  '4c8b4b30', // mov r9, [rbx+48]
  'd1e9', // shr ecx, 1
  '7303', // jnc 1f
  '488b3f', // mov rdi, [rdi]
  'd1e9', // 1: shr ecx, 1
  '7303', // jnc 1f
  '488b36', // mov rsi, [rsi]
  'd1e9', // 1: shr ecx, 1
  '7303', // jnc 1f
  '488b12', // mov rdx, [rdx]
  'd1e9', // 1: shr ecx, 1
  '7303', // jnc 1f
  '4d8b12', // mov r10, [r10]
  'd1e9', // 1: shr ecx, 1
  '7303', // jnc 1f
  '4d8b00', // mov r8, [r8]
  'd1e9', // 1: shr ecx, 1
  '7303', // jnc 1f
  '4d8b09', // mov r9, [r9]
  '4885c0', // 1: test rax, rax
  '7823', // js operation
  '0f05', // syscall
  '488b4b38', // mov rcx, [rbx+56]
  '488901', // mov [rcx], rax
  '483d01f0ffff', // cmp rax, -4095
  '7306', // jae failed
  // succeeded:
  '488b5b40', // mov rbx, [rbx+64]
  'eb9c', // jmp next
  // failed:
  '4989dc', // mov r12, rbx
  '4989c5', // mov r13, rax
  // otherwise:
  '488b5b48', // mov rbx, [rbx+72]
  'eb90', // jmp next
  // operation:
  '48ffc0', // inc rax
  '741d', // jz equal
  '48ffc0', // inc rax
  '741f', // jz addition
  '48ffc0', // inc rax
  '741f', // jz conjunction
  '48ffc0', // inc rax
  '742d', // jz failure
  '48ffc0', // inc rax
  '741a', // jz shift
  '4889f8', // mov rax, rdi
  '415d', // pop r13
  '415c', // pop r12
  '5b', // pop rbx
  'c3', // ret
  // equal:
  '4839f7', // cmp rdi, rsi
  '74c7', // je succeeded
  'ebd1', // jmp otherwise
  // addition:
  '4801f7', // add rdi, rsi
  'eb0a', // jmp store
  // conjunction:
  '4821f7', // and rdi, rsi
  'eb05', // jmp store
  // shift:
  '89f1', // mov ecx, esi
  '48d3ef', // shr rdi, cl
  // store:
  '488b4b38', // mov rcx, [rbx+56]
  '488939', // mov [rcx], rdi
  'ebad', // jmp succeeded
  // failure:
  '4c8927', // mov [rdi], r12
  '4c896f08', // mov [rdi+8], r13
  'eba4', // jmp succeeded
]);

/** Stubs for x86-64. */
export const X64: Machine = {
  elfMachine: EM_X86_64,
  startAt(record) {
    const start = code(['bb00000000']); // mov ebx, record
    new DataView(start.buffer).setUint32(1, record, true);
    return start;
  },
  enterFunction: ENTER_FUNCTION,
  interpreter: INTERPRETER,
};
