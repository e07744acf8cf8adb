/*
 * clone3 with CLONE_VM|CLONE_VFORK whose child runs `child(argument)` on `stack`. libc offers clone3 on no platform, and a child
 * that returned on the parent's own stack would overwrite it.
 */
#ifndef CLONE_H
#define CLONE_H

#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

static inline long clone_vfork(struct clone_args *args, int (*child)(void *), void *argument)
{
#if defined(__x86_64__)
	register long result __asm__("rax") = SYS_clone3;
	register struct clone_args *first __asm__("rdi") = args;
	register size_t second __asm__("rsi") = sizeof *args;
	register int (*function)(void *) __asm__("r12") = child;
	register void *parameter __asm__("r13") = argument;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov $60, %%eax\n\t" /* exit */
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "+r"(result), "+r"(first), "+r"(second)
			 : "r"(function), "r"(parameter)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long number __asm__("x8") = SYS_clone3;
	register long result __asm__("x0") = (long)args;
	register size_t second __asm__("x1") = sizeof *args;
	register int (*function)(void *) __asm__("x19") = child;
	register void *parameter __asm__("x20") = argument;
	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x0, x20\n\t"
			 "blr x19\n\t"
			 "mov x8, #93\n\t" /* exit */
			 "svc #0\n"
			 "1:"
			 : "+r"(result), "+r"(second)
			 : "r"(number), "r"(function), "r"(parameter)
			 : "memory", "cc");
	return result;
#else
#error "the limit is written for x86-64 and arm64, as caisson is"
#endif
}

#endif
