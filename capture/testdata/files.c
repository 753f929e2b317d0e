// Descriptors of every kind that is captured. Says "NAME FD FD".
#include "fx.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

int main(void) {
	int fd = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	CHECK(write(fd, "hello", 5) == 5);
	int d = dup(fd);
	say("append %d %d\n", fd, d);
	int r1 = open("log", O_RDONLY), r2 = open("log", O_RDONLY);
	CHECK(lseek(r1, 3, SEEK_SET) == 3 && lseek(r2, 3, SEEK_SET) == 3);
	say("twice %d %d\n", r1, r2);
	int un = open("unlinked", O_RDWR | O_CREAT, 0600);
	CHECK(write(un, "still here", 10) == 10 && unlink("unlinked") == 0);
	say("unlinked %d 0\n", un);
	int tmp = open(".", O_TMPFILE | O_WRONLY, 0600);
	CHECK(write(tmp, "tmp", 3) == 3);
	say("tmpfile %d 0\n", tmp);
	int named = open(".", O_TMPFILE | O_RDWR, 0600);
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", named);
	CHECK(write(named, "named", 5) == 5 && linkat(AT_FDCWD, link, AT_FDCWD, "got-a-name", AT_SYMLINK_FOLLOW) == 0);
	say("named %d 0\n", named);
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	int path = open("log", O_PATH);
	say("dir %d %d\n", dir, path);
	int null = open("/dev/null", O_WRONLY | O_NONBLOCK);
	say("null %d 0\n", null);

	int p[2], q[2], e[2];
	CHECK(pipe(p) == 0 && pipe2(q, O_DIRECT | O_NONBLOCK) == 0 && pipe(e) == 0);
	CHECK(fcntl(p[1], F_SETPIPE_SZ, 131072) == 131072);
	static char big[70000];
	memset(big, 'b', sizeof big);
	CHECK(write(p[1], big, sizeof big) == sizeof big);
	CHECK(write(q[1], "one", 3) == 3 && write(q[1], "second", 6) == 6);
	say("pipe %d %d\n", p[0], p[1]);
	say("packets %d %d\n", q[0], q[1]);
	CHECK(write(e[1], "left over", 9) == 9);
	close(e[1]);
	say("halfpipe %d 0\n", e[0]);
	CHECK(mkfifo("fifo", 0600) == 0);
	int f = open("fifo", O_RDWR), g = open("fifo", O_WRONLY | O_NONBLOCK);
	CHECK(write(g, "in fifo", 7) == 7);
	say("fifo %d %d\n", f, g);

	int ev = eventfd(7, EFD_SEMAPHORE), ev2 = eventfd(0, EFD_NONBLOCK);
	say("eventfd %d %d\n", ev, ev2);
	int tf = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK);
	struct itimerspec its = {{2, 500000000}, {1000, 0}};
	CHECK(timerfd_settime(tf, 0, &its, NULL) == 0);
	int tf2 = timerfd_create(CLOCK_MONOTONIC, 0);
	struct itimerspec one = {{0, 0}, {0, 1000000}};
	CHECK(timerfd_settime(tf2, 0, &one, NULL) == 0);
	struct pollfd expired = {tf2, POLLIN};
	CHECK(poll(&expired, 1, -1) == 1);
	say("timerfd %d %d\n", tf, tf2);
	sigset_t m;
	sigemptyset(&m);
	sigaddset(&m, SIGHUP);
	sigaddset(&m, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &m, NULL);
	int sf = signalfd(-1, &m, 0);
	say("signalfd %d 0\n", sf);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event w = {EPOLLIN | EPOLLET, {.u64 = 0xfedcba9876543210}};
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &w) == 0);
	w.data.u64 = 5;
	int moved = dup(tf2); // watched as moved, then only open as tf2
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, moved, &w) == 0);
	close(moved);
	say("epoll %d %d\n", ep, moved);

	volatile int *quieted = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(quieted != MAP_FAILED);
	int c = fork();
	CHECK(c >= 0);
	if (c == 0) {
		prctl(PR_SET_NAME, "child");
		quiet();
		*quieted = 1;
		for (;;) pause();
	}
	while (!*quieted) usleep(1000);
	ready();
	await_go();
	// All is as it was.
	char buf[80000];
	CHECK(read(p[0], buf, sizeof buf) == sizeof big);
	CHECK(read(q[0], buf, sizeof buf) == 3 && read(q[0], buf, sizeof buf) == 6);
	CHECK(read(e[0], buf, 100) == 9 && read(e[0], buf, 100) == 0);
	CHECK(read(f, buf, 100) == 7);
	CHECK(lseek(r1, 0, SEEK_CUR) == 3);
	uint64_t n;
	CHECK(read(ev, &n, 8) == 8 && n == 1);
	CHECK(read(tf2, &n, 8) == 8 && n == 1);
	return 0;
}
