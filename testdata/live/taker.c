/*
 * taker: a process with the number ARG, of which it says one byte, until its
 * standard input ends. No fixture, but what takes a number from one.
 */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	pid_t want = argc > 1 ? atoi(argv[1]) : 0, child;
	struct clone_args a = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&want, .set_tid_size = 1 };
	char c;

	child = syscall(SYS_clone3, &a, sizeof(a));
	if (!child)
		for (prctl(PR_SET_PDEATHSIG, SIGKILL);;)
			pause();
	if (child != want || write(1, "x", 1) != 1)
		return 1;
	while (read(0, &c, 1) > 0)
		;
	kill(child, SIGKILL);
	return waitpid(child, NULL, 0) != child;
}
