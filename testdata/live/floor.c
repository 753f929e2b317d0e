/*
 * floor: what the machine itself needs, for the benchmarks to compare with, and
 * a way to run a program that leaves no traces of its caller in its figures.
 * Prints nanoseconds (run: also exit status and peak memory in KiB).
 *
 *   procs N        clone3 with set_tid of N processes that live on
 *   zombies N      the same of N that exit at once, until all are dead
 *   threads N      the same of N threads
 *   read FILE      read(2) of a file into fresh memory
 *   write FILE MB  write(2) of memory into a new file
 *   map FILE       mmap(2) of a file, private
 *   run PROG ...   fork, exec and wait; what it prints is dropped
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST 20000 /* number of the first task made */
#define MUST(c)                                                        \
	do {                                                           \
		if (!(c)) {                                            \
			fprintf(stderr, "floor: %s: %m\n", #c);        \
			exit(1);                                       \
		}                                                      \
	} while (0)

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static pid_t born(int i, uint64_t flags, void *stack, size_t size)
{
	pid_t tid = FIRST + i;
	struct clone_args a = { .flags = flags, .exit_signal = flags & CLONE_THREAD ? 0 : SIGCHLD, .stack = (uintptr_t)stack,
				.stack_size = size, .set_tid = (uintptr_t)&tid, .set_tid_size = 1 };

	return syscall(SYS_clone3, &a, sizeof(a));
}

static int64_t procs(int n)
{
	int64_t t = now();
	pid_t p;

	for (int i = 0; i < n; i++) {
		MUST((p = born(i, 0, NULL, 0)) >= 0);
		if (!p)
			for (;;)
				pause();
	}
	t = now() - t;
	for (int i = 0; i < n; i++)
		kill(FIRST + i, SIGKILL);
	for (int i = 0; i < n; i++)
		waitpid(FIRST + i, NULL, 0);
	return t;
}

static int64_t zombies(int n)
{
	int64_t t = now();
	siginfo_t si;
	pid_t p;

	for (int i = 0; i < n; i++) {
		MUST((p = born(i, 0, NULL, 0)) >= 0);
		if (!p)
			_exit(i & 255);
	}
	for (int i = 0; i < n; i++)
		MUST(!waitid(P_PID, FIRST + i, &si, WEXITED | WNOWAIT));
	t = now() - t;
	for (int i = 0; i < n; i++)
		waitpid(FIRST + i, NULL, 0);
	return t;
}

static int64_t threads(int n)
{
	enum { SIZE = 16384 };
	char *stacks = mmap(NULL, (size_t)n * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int64_t t = now();

	MUST(stacks != MAP_FAILED);
	for (int i = 0; i < n; i++) {
		/* The child returns on another stack: it must not return at all. */
		register long r asm("rax");
		pid_t tid = FIRST + i;
		struct clone_args a = { .flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD,
					.stack = (uintptr_t)(stacks + (size_t)i * SIZE), .stack_size = SIZE,
					.set_tid = (uintptr_t)&tid, .set_tid_size = 1 };

		asm volatile("syscall\n test %%rax, %%rax\n jnz 1f\n"
			     "2: mov $34, %%eax\n syscall\n jmp 2b\n" /* pause */
			     "1:\n"
			     : "=r"(r)
			     : "0"((long)SYS_clone3), "D"(&a), "S"(sizeof(a))
			     : "rcx", "r11", "memory");
		errno = -r;
		MUST(r > 0);
	}
	return now() - t;
}

static int64_t read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	int64_t t;
	char *p;

	MUST(fd >= 0 && !fstat(fd, &st));
	t = now();
	p = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(p != MAP_FAILED);
	for (off_t o = 0; o < st.st_size;) {
		ssize_t r = read(fd, p + o, st.st_size - o);

		MUST(r > 0);
		o += r;
	}
	return now() - t;
}

static int64_t write_file(const char *path, size_t mb)
{
	size_t n = mb << 20;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int64_t t;
	int fd;

	MUST(p != MAP_FAILED);
	for (size_t i = 0; i < n; i += 4096)
		p[i] = i >> 12 | 1;
	t = now();
	MUST((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)) >= 0);
	for (size_t o = 0; o < n;) {
		ssize_t r = write(fd, p + o, n - o);

		MUST(r > 0);
		o += r;
	}
	MUST(!close(fd));
	t = now() - t;
	unlink(path);
	return t;
}

static int64_t map_file(const char *path)
{
	int64_t t = now();
	int fd = open(path, O_RDONLY);
	struct stat st;

	MUST(fd >= 0 && !fstat(fd, &st));
	MUST(mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	return now() - t;
}

static int64_t run(char **argv)
{
	int64_t t = now();
	struct rusage ru;
	int st;
	pid_t p = fork();

	MUST(p >= 0);
	if (!p) {
		int null = open("/dev/null", O_WRONLY);

		MUST(null >= 0 && dup2(null, 1) == 1); /* ours are the numbers */
		close(null);
		execv(argv[0], argv);
		_exit(127);
	}
	MUST(wait4(p, &st, 0, &ru) == p);
	t = now() - t;
	printf("%d %ld ", WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st), ru.ru_maxrss);
	return t;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	int64_t t = -1;

	if (!strcmp(what, "procs"))
		t = procs(atoi(argv[2]));
	else if (!strcmp(what, "zombies"))
		t = zombies(atoi(argv[2]));
	else if (!strcmp(what, "threads"))
		t = threads(atoi(argv[2]));
	else if (!strcmp(what, "read"))
		t = read_file(argv[2]);
	else if (!strcmp(what, "write") && argc > 3)
		t = write_file(argv[2], atoi(argv[3]));
	else if (!strcmp(what, "map"))
		t = map_file(argv[2]);
	else if (!strcmp(what, "run"))
		t = run(argv + 2);
	if (t < 0) {
		fprintf(stderr, "floor: %s: see the head of floor.c\n", what);
		return 2;
	}
	printf("%lld\n", (long long)t);
	fflush(stdout);
	_exit(0);
}
