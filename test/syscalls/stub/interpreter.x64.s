# The interpreter for x86-64, as source: what syscalls/stub/x64.ts has as bytes.
# rbx is the current record, r12 and r13 the last record whose call failed and its negative error number.
        .intel_syntax noprefix

# startAt(0x410200)
        .section .start, "ax"
        mov ebx, 0x410200

# enterFunction
        .section .enter, "ax"
        push rbx
        push r12
        push r13
        mov rbx, rdi

# interpreter
        .section .interpreter, "ax"
next:
        mov rax, [rbx]
        mov ecx, [rbx+80]
        mov rdi, [rbx+8]
        mov rsi, [rbx+16]
        mov rdx, [rbx+24]
        mov r10, [rbx+32]
        mov r8, [rbx+40]
        mov r9, [rbx+48]
        shr ecx, 1
        jnc 1f
        mov rdi, [rdi]
1:
        shr ecx, 1
        jnc 1f
        mov rsi, [rsi]
1:
        shr ecx, 1
        jnc 1f
        mov rdx, [rdx]
1:
        shr ecx, 1
        jnc 1f
        mov r10, [r10]
1:
        shr ecx, 1
        jnc 1f
        mov r8, [r8]
1:
        shr ecx, 1
        jnc 1f
        mov r9, [r9]
1:
        test rax, rax
        js operation
        syscall
        mov rcx, [rbx+56]
        mov [rcx], rax
        cmp rax, -4095
        jae failed
succeeded:
        mov rbx, [rbx+64]
        jmp next
failed:
        mov r12, rbx
        mov r13, rax
otherwise:
        mov rbx, [rbx+72]
        jmp next
operation:
        inc rax
        jz equal
        inc rax
        jz addition
        inc rax
        jz conjunction
        inc rax
        jz failure
        inc rax
        jz shift
        mov rax, rdi
        pop r13
        pop r12
        pop rbx
        ret
equal:
        cmp rdi, rsi
        je succeeded
        jmp otherwise
addition:
        add rdi, rsi
        jmp store
conjunction:
        and rdi, rsi
        jmp store
shift:
        mov ecx, esi
        shr rdi, cl
store:
        mov rcx, [rbx+56]
        mov [rcx], rdi
        jmp succeeded
failure:
        mov [rdi], r12
        mov [rdi+8], r13
        jmp succeeded
