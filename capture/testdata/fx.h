// What all test programs share: they say "ready" on standard output, which
// becomes /dev/null then, and end with status 0 if they saw nothing amiss.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *fmt, ...) {
	va_list ap;
	va_start(ap, fmt);
	int e = errno;
	FILE *f = fopen("error", "a");
	if (f) {
		vfprintf(f, fmt, ap);
		fprintf(f, " (errno %s)\n", strerror(e));
		fclose(f);
	}
	_exit(99);
}

#define CHECK(x) do { if (!(x)) die("%s:%d: %s", __FILE__, __LINE__, #x); } while (0)

// say writes a line for the test to read, before ready.
static void say(const char *fmt, ...) {
	char line[512];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	CHECK(write(1, line, n) == n);
}

static int null_fd;

__attribute__((constructor)) static void open_null(void) {
	null_fd = open("/dev/null", O_RDWR);
	CHECK(null_fd > 2);
}

// quiet lets go of the pipe to the test, which would lead outside the tree. It
// is one call, as the test may look at any moment after it.
static void quiet(void) {
	CHECK(dup2(null_fd, 1) == 1);
}

// ready is seen by the test when all processes have let go of the pipe.
static void ready(void) {
	say("ready\n");
	quiet();
}

static double now(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

// await_go waits until the test makes the file "go", without a system call that
// sleeps for long.
static void await_go(void) {
	while (access("go", F_OK) != 0) usleep(2000);
}
