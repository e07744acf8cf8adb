/*
 * limit [--netns] [--rootless] [--iterations N | --interactive] --upper DIR --lower DIR
 * limit --exec PID [--netns] [--rootless] [--iterations N | --interactive]
 * limit [--iterations N | --interactive] --read COMMAND...
 *
 * Runs `true` in a new container (or in the one of PID), and prints for each one JSON line, in milliseconds:
 *   {"ms":…,"prepare":…,"start":…,"run":…,"remove":…}     start ends at execve, run at the end of both streams and the exit
 * --read: runs COMMAND on this machine instead, and reads its output through a pipe; the time is in "run".
 * --interactive: one sample for each line read from standard input, so that a harness can take turns with other programs.
 */
#define _GNU_SOURCE
#include "clone.h"
#include "limit.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile struct failure failure;
static char child_stack[64 * 1024] __attribute__((aligned(16)));

struct options {
	bool netns, rootless, interactive;
	const char *upper, *lower;
	pid_t exec;
	char *const *read;
	long iterations;
};

/* The ends of the phases of one sample, in milliseconds. */
struct times {
	double begin, prepared, started, ended, removed;
};

static void die(const char *what)
{
	int error = failure.step ? failure.error : errno;
	fprintf(stderr, "limit: %s%s%s\n", failure.step ? failure.step : what, error ? ": " : "", error ? strerror(error) : "");
	exit(1);
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void read_to_end(int fd)
{
	char buffer[4096];
	while (read(fd, buffer, sizeof buffer) > 0)
		;
	close(fd);
}

/* All signals are blocked while two processes share this memory: a handler would run in both. */
static long launch(uint64_t flags, int *pidfd, int (*child)(void *), void *argument)
{
	struct clone_args args = {
		.flags = flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)child_stack,
		.stack_size = sizeof child_stack,
	};
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	long pid = clone_vfork(&args, child, argument);
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = pid < 0 ? -pid : 0;
	return pid;
}

static void wait_for(idtype_t type, id_t id)
{
	siginfo_t info;
	if (waitid(type, id, &info, WEXITED) < 0)
		die("waitid");
	if (info.si_code != CLD_EXITED || info.si_status != 0)
		die("the child failed");
}

/* What overlayfs leaves of a volatile mount has mode 0, which stops everyone but root until it is changed. */
static void remove_directories(const char *directory)
{
	static const char *const left[] = { "work/work", "work/work/incompat", "work/work/incompat/volatile" };
	int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		if (geteuid() != 0 && fchmodat(fd, left[i], 0700, 0) < 0)
			die(left[i]);
	if (unlinkat(fd, "work/work/incompat/volatile/dirty", 0) < 0)
		die("work/work/incompat/volatile/dirty");
	for (int i = 2; i >= 0; i--)
		if (unlinkat(fd, left[i], AT_REMOVEDIR) < 0)
			die(left[i]);
	if (unlinkat(fd, "work", AT_REMOVEDIR) < 0 || unlinkat(fd, "upper", AT_REMOVEDIR) < 0 || rmdir(directory) < 0)
		die(directory);
	close(fd);
}

static void sample_container(const struct options *options, long iteration, struct times *times)
{
	static struct container self;
	int out[2], err[2], pidfd;
	uint64_t flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	flags |= (options->netns ? CLONE_NEWNET : 0) | (options->rootless ? CLONE_NEWUSER : 0);

	times->begin = now();
	self.netns = options->netns;
	self.rootless = options->rootless;
	snprintf(self.id_map[0], sizeof self.id_map[0], "0 %u 1", geteuid());
	snprintf(self.id_map[1], sizeof self.id_map[1], "0 %u 1", getegid());
	snprintf(self.directory, sizeof self.directory, "%s/limit-%d-%ld", options->upper, getpid(), iteration);
	snprintf(self.overlay, sizeof self.overlay, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work,volatile%s", options->lower,
		 self.directory, self.directory, options->rootless ? ",userxattr" : "");
	if (mkdir(self.directory, 0700) < 0)
		die(self.directory);
	int fd = open(self.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(fd, "upper", 0755) < 0 || mkdirat(fd, "work", 0700) < 0)
		die(self.directory);
	close(fd);
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		die("pipe2");
	self.stdout_fd = out[1];
	self.stderr_fd = err[1];

	times->prepared = now();
	if (launch(flags, &pidfd, become_container, &self) < 0)
		die("clone3");
	times->started = now();
	close(out[1]);
	close(err[1]);
	read_to_end(out[0]);
	read_to_end(err[0]);
	wait_for(P_PIDFD, pidfd);
	close(pidfd);
	times->ended = now();
	remove_directories(self.directory);
	times->removed = now();
}

static void sample_exec(const struct options *options, struct times *times)
{
	static struct target target;
	static int pidfd = -1;
	int out[2], err[2], middle;

	if (pidfd < 0 && (pidfd = syscall(SYS_pidfd_open, options->exec, 0)) < 0)
		die("pidfd_open");
	times->begin = now();
	target.pidfd = pidfd;
	target.rootless = options->rootless;
	target.namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
			    (options->netns ? CLONE_NEWNET : 0) | (options->rootless ? CLONE_NEWUSER : 0);
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		die("pipe2");
	target.stdout_fd = out[1];
	target.stderr_fd = err[1];

	times->prepared = now();
	if (launch(0, &middle, enter_container, &target) < 0)
		die("clone3");
	times->started = now();
	close(out[1]);
	close(err[1]);
	wait_for(P_PIDFD, middle);
	close(middle);
	read_to_end(out[0]);
	read_to_end(err[0]);
	wait_for(P_PID, target.entered);
	times->ended = times->removed = now();
}

/* The pipe is as wide as pipe(7) lets everybody make it, and the buffer always the same: nothing reads a pipe faster. */
static void sample_read(const struct options *options, struct times *times)
{
	static char buffer[64 * 1024];
	int out[2], pidfd;

	times->begin = now();
	if (pipe2(out, O_CLOEXEC) < 0 || fcntl(out[0], F_SETPIPE_SZ, 1024 * 1024) < 0)
		die("pipe2");
	struct command command = { .argv = options->read, .stdout_fd = out[1] };
	times->prepared = now();
	if (launch(0, &pidfd, become_command, &command) < 0)
		die("clone3");
	times->started = now();
	close(out[1]);
	while (read(out[0], buffer, sizeof buffer) > 0)
		;
	close(out[0]);
	wait_for(P_PIDFD, pidfd);
	close(pidfd);
	times->ended = times->removed = now();
}

static struct options parse(char **argv)
{
	struct options options = { .iterations = 100 };
	for (argv++; *argv; argv++) {
		if (!strcmp(*argv, "--netns"))
			options.netns = true;
		else if (!strcmp(*argv, "--rootless"))
			options.rootless = true;
		else if (!strcmp(*argv, "--interactive"))
			options.interactive = true;
		else if (!strcmp(*argv, "--upper") && argv[1])
			options.upper = *++argv;
		else if (!strcmp(*argv, "--lower") && argv[1])
			options.lower = *++argv;
		else if (!strcmp(*argv, "--exec") && argv[1])
			options.exec = atoi(*++argv);
		else if (!strcmp(*argv, "--iterations") && argv[1])
			options.iterations = atol(*++argv);
		else if (!strcmp(*argv, "--read") && argv[1]) {
			options.read = argv + 1;
			break;
		}
		else {
			fprintf(stderr, "limit: unknown option %s (the head of limit.c lists them)\n", *argv);
			exit(2);
		}
	}
	if (!options.exec && !options.read && !(options.upper && options.lower)) {
		fprintf(stderr, "limit: --upper and --lower are needed\n");
		exit(2);
	}
	return options;
}

int main(int argc, char **argv)
{
	(void)argc;
	struct options options = parse(argv);
	char line[64];

	for (long i = 0; options.interactive ? fgets(line, sizeof line, stdin) != NULL : i < options.iterations; i++) {
		struct times t;
		if (options.exec)
			sample_exec(&options, &t);
		else if (options.read)
			sample_read(&options, &t);
		else
			sample_container(&options, i, &t);
		printf("{\"ms\":%.4f,\"prepare\":%.4f,\"start\":%.4f,\"run\":%.4f,\"remove\":%.4f}\n", t.removed - t.begin,
		       t.prepared - t.begin, t.started - t.prepared, t.ended - t.started, t.removed - t.ended);
		fflush(stdout);
	}
	return 0;
}
