/* The child that enters a container: its namespaces in one call, then a second child, because a PID namespace holds only for children. */
#define _GNU_SOURCE
#include "clone.h"
#include "limit.h"

#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static char second_stack[64 * 1024] __attribute__((aligned(16)));

static int second_child(void *argument)
{
	const struct target *target = argument;

	STEP(prctl(PR_SET_PDEATHSIG, SIGKILL));
	STEP(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
	STEP(chdir("/"));
	return run_true(target->stdout_fd, target->stderr_fd, target->rootless);
}

int enter_container(void *argument)
{
	struct target *target = argument;
	/* CLONE_PARENT makes the second child the measuring process's own, to be waited for there. */
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PARENT | CLONE_PARENT_SETTID | CLONE_CLEAR_SIGHAND,
		.parent_tid = (uintptr_t)&target->entered,
		.stack = (uintptr_t)second_stack,
		.stack_size = sizeof second_stack,
	};
	long pid;

	STEP(setns(target->pidfd, target->namespaces));
	pid = clone_vfork(&args, second_child, target);
	errno = pid < 0 ? -pid : 0;
	STEP(pid);
	return 0;
}
