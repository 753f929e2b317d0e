// Threads that sleep in every way; none may see EINTR, wake early or late.
#include "fx.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/sem.h>

static double T = 3; // seconds of those that end by themselves
static int ev;         // readable when the others may end
static uint32_t word;

// named counts the threads that have their names, by which the test knows them.
static int named;
static void name(const char *is) {
	prctl(PR_SET_NAME, is);
	__atomic_fetch_add(&named, 1, __ATOMIC_SEQ_CST);
}

// took checks that nothing woke early; how late it is depends on the machine.
static void took(const char *what, double start, double want) {
	double d = now() - start;
	if (d < want - 0.02) die("%s took %f s, not %f", what, d, want);
}

static void *t_nanosleep(void *arg) {
	name("nanosleep");
	double s = now();
	struct timespec ts = {3, 0}, rem;
	long r = syscall(SYS_nanosleep, &ts, &rem);
	CHECK(r == 0);
	took("nanosleep", s, T);
	return 0;
}
static void *t_nanosleep0(void *arg) {
	name("nanosleep0");
	double s = now();
	struct timespec ts = {3, 0};
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL) == 0);
	took("clock_nanosleep", s, T);
	return 0;
}
static void *t_abs(void *arg) {
	name("abs");
	double s = now();
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += 3;
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0);
	took("absolute sleep", s, 2.99);
	return 0;
}
static void *t_poll(void *arg) {
	name("poll");
	double s = now();
	CHECK(poll(NULL, 0, 3000) == 0);
	took("poll", s, T);
	return 0;
}
static void *t_pollinf(void *arg) {
	name("pollinf");
	struct pollfd p = {ev, POLLIN};
	CHECK(poll(&p, 1, -1) == 1);
	return 0;
}
static void *t_ppoll(void *arg) {
	name("ppoll");
	struct pollfd p = {ev, POLLIN};
	sigset_t m;
	sigfillset(&m);
	sigdelset(&m, SIGUSR2);
	CHECK(ppoll(&p, 1, NULL, &m) == 1);
	return 0;
}
static void *t_select(void *arg) {
	name("select");
	double s = now();
	struct timeval tv = {3, 0};
	CHECK(select(0, NULL, NULL, NULL, &tv) == 0);
	took("select", s, T);
	return 0;
}
static void *t_futex(void *arg) {
	name("futex");
	while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0) {
		long r = syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
		CHECK(r == 0 || errno == EAGAIN);
	}
	return 0;
}
static void *t_futextime(void *arg) {
	name("futextime");
	static uint32_t w;
	double s = now();
	struct timespec ts = {3, 0};
	long r = syscall(SYS_futex, &w, FUTEX_WAIT, 0, &ts, NULL, 0);
	CHECK(r == -1 && errno == ETIMEDOUT);
	took("futex", s, T);
	return 0;
}
static void *t_epoll(void *arg) {
	name("epoll");
	int e = epoll_create1(0);
	struct epoll_event want = {EPOLLIN, {.u64 = 0x1122334455667788}}, got;
	CHECK(epoll_ctl(e, EPOLL_CTL_ADD, ev, &want) == 0);
	CHECK(epoll_wait(e, &got, 1, -1) == 1);
	CHECK(got.data.u64 == want.data.u64);
	return 0;
}
static void *t_epollpwait(void *arg) {
	name("epollpwait");
	int e = epoll_create1(0);
	struct epoll_event want = {EPOLLIN, {.fd = ev}}, got;
	sigset_t m;
	sigfillset(&m);
	CHECK(epoll_ctl(e, EPOLL_CTL_ADD, ev, &want) == 0);
	CHECK(epoll_pwait(e, &got, 1, 600000, &m) == 1);
	return 0;
}
static void *t_sigwait(void *arg) {
	name("sigwait");
	sigset_t m;
	sigemptyset(&m);
	sigaddset(&m, SIGRTMIN + 3);
	siginfo_t si;
	CHECK(sigwaitinfo(&m, &si) == SIGRTMIN + 3);
	CHECK(si.si_value.sival_int == 77);
	return 0;
}
static void *t_read(void *arg) {
	name("read");
	int p[2];
	CHECK(pipe(p) == 0);
	*(int *)arg = p[1];
	char c;
	CHECK(read(p[0], &c, 1) == 1);
	return 0;
}
static void *t_spin(void *arg) {
	name("spin");
	while (!__atomic_load_n(&word, __ATOMIC_SEQ_CST)) {}
	return 0;
}

int main(void) {
	static int wfd = -1;
	void *(*fns[])(void *) = {t_nanosleep, t_nanosleep0, t_abs, t_poll, t_pollinf, t_ppoll, t_select, t_futex,
		t_futextime, t_epoll, t_epollpwait, t_sigwait, t_read, t_spin};
	enum { N = sizeof fns / sizeof *fns };
	pthread_t th[N];
	sigset_t m;
	sigemptyset(&m);
	sigaddset(&m, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &m, NULL);
	ev = eventfd(0, EFD_CLOEXEC);
	say("began %.0f\n", now() * 1e9); // no thread sleeps yet
	for (int i = 0; i < N; i++) CHECK(pthread_create(&th[i], NULL, fns[i], &wfd) == 0);
	while (__atomic_load_n(&named, __ATOMIC_SEQ_CST) < N) usleep(1000);
	ready();
	await_go();
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &word, FUTEX_WAKE, 100, NULL, NULL, 0);
	uint64_t one = 1;
	CHECK(write(ev, &one, 8) == 8);
	CHECK(write(wfd, "x", 1) == 1);
	union sigval v = {.sival_int = 77};
	CHECK(sigqueue(getpid(), SIGRTMIN + 3, v) == 0);
	for (int i = 0; i < N; i++) pthread_join(th[i], NULL);
	return 0;
}
