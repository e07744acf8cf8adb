/*
 * Looks into every process it can see, again and again, until its standard input ends; or once into one process:
 *
 *     scan FIRST SECOND [PID]
 *
 * Counts those whose memory holds FIRST and right behind it SECOND. The two are given apart, so that this process
 * itself never has them together. It attaches to each by ptrace(2) as well, and looks again then.
 * Prints what it saw as JSON.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK (1 << 20)
#define MAX_PID (1 << 22)

static const char *first, *second;
static char buffer[CHUNK + 256];
static char known[MAX_PID];
/* Looks at all; processes seen; memories read; looks refused; stubs among the seen; node programs; secrets; attached to. */
static long rounds, processes, read_, refused, stubs, nodes, found, attached, caught;

/* Whether `size` bytes hold the secret. */
static int holds(const char *bytes, size_t size)
{
	size_t length = strlen(first), rest = strlen(second);
	for (const char *at = bytes; (at = memmem(at, size - (at - bytes), first, length)) != NULL; at++)
		if ((size_t)(at - bytes) + length + rest <= size && memcmp(at + length, second, rest) == 0)
			return 1;
	return 0;
}

/* Whether a process's memory holds the secret; -1 when it cannot be looked at. */
static int look(int pid)
{
	char path[64], line[512];
	unsigned long start, end, got = 0;
	int result = 0;
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int memory = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	FILE *maps = memory < 0 ? NULL : fopen(path, "re");
	while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
		char readable;
		if (sscanf(line, "%lx-%lx %c", &start, &end, &readable) != 3 || readable != 'r')
			continue;
		/* Chunks overlap, so that nothing is missed that lies across their edge. */
		for (unsigned long at = start; at < end; at += CHUNK) {
			size_t size = end - at < CHUNK + 256 ? end - at : CHUNK + 256;
			ssize_t count = pread(memory, buffer, size, (off_t)at);
			if (count <= 0)
				break;
			got += (unsigned long)count;
			result |= holds(buffer, (size_t)count);
		}
	}
	if (maps != NULL)
		fclose(maps);
	if (memory >= 0)
		close(memory);
	return got == 0 ? -1 : result;
}

/* What a process executes: 's' a stub of caisson's, 'n' node, 'x' it is not told, '-' nothing or something else. */
static char kind(int pid)
{
	char path[64], target[4096];
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	ssize_t length = readlink(path, target, sizeof target - 1);
	if (length < 0)
		return errno == EACCES || errno == EPERM ? 'x' : '-';
	target[length] = 0;
	const char *name = strrchr(target, '/');
	if (strstr(target, "memfd:caisson") != NULL)
		return 's';
	return name != NULL && strncmp(name, "/node", 5) == 0 ? 'n' : '-';
}

/* Stops a process, looks into it, and lets it go on. */
static void attach(int pid, int hidden)
{
	int status;
	/* Not PTRACE_ATTACH, whose SIGSTOP may arrive when this has let go already, and stop it for good. */
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
		return;
	ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	attached++;
	waitpid(pid, &status, __WALL);
	if (look(pid) > 0)
		found++;
	/* It was closed to us a moment ago: it must have entered its command since. */
	if (hidden && kind(pid) == 's')
		caught++;
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static void visit(int pid)
{
	char what = kind(pid);
	int result = look(pid);
	if (!known[pid % MAX_PID]) {
		known[pid % MAX_PID] = 1;
		processes++;
	}
	read_ += result >= 0;
	refused += what == 'x';
	stubs += what == 's';
	nodes += what == 'n';
	found += result > 0;
	if (what == 'x' || rounds % 64 == 0)
		attach(pid, what == 'x');
}

int main(int argc, char **argv)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	if (argc < 3)
		return 2;
	first = argv[1];
	second = argv[2];
	if (argc > 3) {
		printf("{\"found\":%d}\n", look(atoi(argv[3])));
		return 0;
	}
	printf("ready\n");
	fflush(stdout);
	while (poll(&input, 1, 0) == 0) {
		DIR *all = opendir("/proc");
		for (struct dirent *entry; (entry = readdir(all)) != NULL;)
			if (isdigit(entry->d_name[0]) && atoi(entry->d_name) != getpid())
				visit(atoi(entry->d_name));
		closedir(all);
		rounds++;
	}
	printf("{\"rounds\":%ld,\"processes\":%ld,\"read\":%ld,\"refused\":%ld,\"stubs\":%ld,", rounds, processes, read_, refused, stubs);
	printf("\"nodes\":%ld,\"found\":%ld,\"attached\":%ld,\"caught\":%ld}\n", nodes, found, attached, caught);
	return 0;
}
