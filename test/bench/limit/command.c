/* The child that becomes a program of this machine, with a pipe as its standard output. */
#define _GNU_SOURCE
#include "limit.h"

#include <unistd.h>

int become_command(void *argument)
{
	const struct command *command = argument;

	STEP(dup2(command->stdout_fd, 1));
	STEP(execv(command->argv[0], command->argv));
	return 127;
}
