// The interpreter for arm64, as source: what syscalls/stub/arm64.ts has as bytes.
// x19 is the current record, x20 and x21 the last record whose call failed and its negative error number.

// startAt(0x410200)
        .section .start, "ax"
        mov x19, 0x0200
        movk x19, 0x0041, lsl 16

// enterFunction
        .section .enter, "ax"
        stp x19, x20, [sp, -32]!
        str x21, [sp, 16]
        mov x19, x0

// interpreter
        .section .interpreter, "ax"
next:
        ldr x8, [x19]
        ldp x0, x1, [x19, 8]
        ldp x2, x3, [x19, 24]
        ldp x4, x5, [x19, 40]
        ldr x9, [x19, 80]
        tbz x9, 0, 1f
        ldr x0, [x0]
1:
        tbz x9, 1, 1f
        ldr x1, [x1]
1:
        tbz x9, 2, 1f
        ldr x2, [x2]
1:
        tbz x9, 3, 1f
        ldr x3, [x3]
1:
        tbz x9, 4, 1f
        ldr x4, [x4]
1:
        tbz x9, 5, 1f
        ldr x5, [x5]
1:
        tbnz x8, 63, operation
        svc 0
        ldr x10, [x19, 56]
        str x0, [x10]
        cmn x0, 4095
        b.cs failed
succeeded:
        ldr x19, [x19, 64]
        b next
failed:
        mov x20, x19
        mov x21, x0
otherwise:
        ldr x19, [x19, 72]
        b next
operation:
        adds x8, x8, 1
        b.eq equal
        adds x8, x8, 1
        b.eq addition
        adds x8, x8, 1
        b.eq conjunction
        adds x8, x8, 1
        b.eq failure
        adds x8, x8, 1
        b.eq shift
        ldr x21, [sp, 16]
        ldp x19, x20, [sp], 32
        ret
equal:
        cmp x0, x1
        b.eq succeeded
        b otherwise
addition:
        add x0, x0, x1
        b store
conjunction:
        and x0, x0, x1
        b store
shift:
        lsr x0, x0, x1
store:
        ldr x10, [x19, 56]
        str x0, [x10]
        b succeeded
failure:
        stp x20, x21, [x0]
        b succeeded
