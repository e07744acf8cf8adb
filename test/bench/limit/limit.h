/*
 * The limit: the steps of a container start with nothing above the kernel but C. What `Container.run(image, ['true'])`
 * costs beyond this program's figure is what caisson, koffi and Node add.
 *
 *   limit.c       options, the measured loop, the samples (JSON lines)
 *   container.c   the child that becomes a container
 *   enter.c       the child that enters one (exec)
 *   command.c     the child that only writes, to be read from
 *   clone.h       a vfork-like clone3 with a stack of its own
 *
 * The children run in this program's memory (CLONE_VM): system calls only, no malloc, no stdio. Nothing hostile runs here,
 * so the rule of caisson's own stub (no memory shared with a process a container can see) is not needed.
 */
#ifndef LIMIT_H
#define LIMIT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Everything a child needs, prepared by the parent before clone3. */
struct container {
	bool netns;       /* a network namespace of its own: new sysfs, lo up */
	bool rootless;    /* a user namespace with one mapped id */
	uid_t uid;        /* the caller's ids, mapped to 0 when rootless */
	gid_t gid;
	char id_map[2][32];
	char directory[4096];     /* the overlay's mount point; upper/ and work/ are below it */
	char overlay[3 * 4096];   /* mount(2) data */
	int stdout_fd, stderr_fd; /* write ends of the pipes */
};

/* The process to enter, and where the second child of `enter` leaves its pid. */
struct target {
	int pidfd;
	int namespaces; /* CLONE_NEW* */
	bool rootless;
	int stdout_fd, stderr_fd;
	pid_t entered;
};

/* The program to become, on this machine itself. */
struct command {
	char *const *argv;
	int stdout_fd;
};

/* What went wrong in a child; readable by the parent because memory is shared. */
struct failure {
	const char *step;
	int error;
};
extern volatile struct failure failure;

/* Returns from the child's function with the failed call's text and errno left for the parent. */
#define STEP(call)                                                                                                     \
	do {                                                                                                           \
		if ((call) < 0) {                                                                                      \
			failure.step = #call;                                                                          \
			failure.error = errno;                                                                         \
			return 127;                                                                                    \
		}                                                                                                      \
	} while (0)

int become_container(void *container);
int enter_container(void *target);
int become_command(void *command);

/* Shared by both children: standard streams, Docker's capabilities, clean signals, then `true`. */
int run_true(int stdout_fd, int stderr_fd, bool rootless);

#endif
