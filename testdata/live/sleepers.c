/*
 * sleepers: one process asleep in each blocking system call. Those without a
 * deadline are woken by root after DIR/go; those with one must sleep at least as
 * long as they asked for, counted from when they began. None may see EINTR but
 * where a handler ran.
 */
#include "fx.h"
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define NAP 1500 /* ms of the sleeps that end by themselves */

/* shared with root */
static struct shared {
	int futex_a, futex_b;
	int paused; /* pause(2) is over */
} *sh;
static int pipe_r[2], pipe_poll[2], pipe_ep[2], pipe_full[2], ev, ep;
static volatile int handled;
static char fifo[220];

static void on_usr1(int s) { handled = s; }

static struct timespec ms(int n) { return (struct timespec){ n / 1000, n % 1000 * 1000000L }; }

/* name, what it waits in (returns the call's result), wanted result, errno if that is -1 */
struct sleeper {
	const char *name;
	long (*fn)(void);
	long want;
	int err, nap;
};

static long s_nanosleep(void) { struct timespec t = ms(NAP), r = { 0 }; return nanosleep(&t, &r); }
static long s_nanosleep_same(void) { struct timespec t = ms(NAP); return nanosleep(&t, &t); }
static long s_nanosleep_none(void) { struct timespec t = ms(NAP); return nanosleep(&t, NULL); }
static long s_clock_none(void) { struct timespec t = ms(NAP); return clock_nanosleep(CLOCK_BOOTTIME, 0, &t, NULL); }
static long s_clock_abs(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += NAP % 1000 * 1000000L + 5000000; /* counted from a moment later */
	t.tv_sec += NAP / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}
static long s_poll(void) { return poll(NULL, 0, NAP); }
static long s_poll_fd(void) { struct pollfd p = { pipe_poll[0], POLLIN, 0 }; return poll(&p, 1, -1); }
static long s_ppoll(void) { struct timespec t = ms(NAP); return syscall(SYS_ppoll, NULL, 0, &t, NULL, 0); }
static long s_select(void) { struct timeval t = { NAP / 1000, NAP % 1000 * 1000 }; return syscall(SYS_select, 0, NULL, NULL, NULL, &t); }
static long s_select_fd(void) { fd_set s; FD_ZERO(&s); FD_SET(pipe_poll[0], &s); return select(pipe_poll[0] + 1, &s, NULL, NULL, NULL); }
static long s_pselect(void) { struct timespec t = ms(NAP); return pselect(0, NULL, NULL, NULL, &t, NULL); }
static long s_futex(void) /* EAGAIN: the call was begun anew after the word had changed */
{
	long r = syscall(SYS_futex, &sh->futex_a, FUTEX_WAIT, 0, NULL, NULL, 0);
	return r == -1 && errno == EAGAIN ? 0 : r;
}
static long s_futex_nap(void) { struct timespec t = ms(NAP); return syscall(SYS_futex, &sh->futex_b, FUTEX_WAIT, 0, &t, NULL, 0); }
static long s_futex_abs(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += 2;
	return syscall(SYS_futex, &sh->futex_b, FUTEX_WAIT_BITSET, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY);
}
static long s_epoll(void) { struct epoll_event e; return epoll_wait(ep, &e, 1, -1); }
static long s_epoll_nap(void) { struct epoll_event e; int n = epoll_create1(0); return epoll_wait(n, &e, 1, NAP); }
static long s_read(void) { char c; return read(pipe_r[0], &c, 1); }
static long s_write(void)
{
	char b[4096];
	return write(pipe_full[1], memset(b, 'w', sizeof(b)), sizeof(b));
}
static long s_eventfd(void) { uint64_t v; return read(ev, &v, 8); }
static long s_open_fifo(void) { return open(fifo, O_RDONLY) > 0; }
static long s_sigwait(void) { sigset_t s; siginfo_t si; sigemptyset(&s); sigaddset(&s, SIGUSR2); return sigwaitinfo(&s, &si); }
static long s_sigwait_nap(void) { sigset_t s; struct timespec t = ms(NAP); sigemptyset(&s); sigaddset(&s, SIGUSR2); return sigtimedwait(&s, NULL, &t); }
static long s_pause(void)
{
	long r = pause();
	__atomic_store_n(&sh->paused, 1, __ATOMIC_SEQ_CST);
	return r;
}
static long s_sigsuspend(void) { sigset_t s; sigemptyset(&s); return sigsuspend(&s); }
static pid_t kid; /* of those that wait for one: it is there before they say that they are */
static void have_kid(void)
{
	MUST((kid = fork()) >= 0);
	if (kid)
		return;
	while (!fx_go())
		usleep(5000);
	_exit(42);
}
static long s_waitpid(void)
{
	int st = -1;
	return waitpid(kid, &st, 0) == kid && st == 42 << 8;
}
static long s_waitid(void)
{
	siginfo_t si = { 0 };
	return !waitid(P_ALL, 0, &si, WEXITED) && si.si_pid == kid && si.si_status == 42;
}

static struct sleeper S[] = {
	{ "nanosleep", s_nanosleep, 0, 0, NAP }, { "nanosleep-same", s_nanosleep_same, 0, 0, NAP },
	{ "nanosleep-none", s_nanosleep_none, 0, 0, NAP }, { "clock-none", s_clock_none, 0, 0, NAP },
	{ "clock-abs", s_clock_abs, 0, 0, NAP }, { "poll", s_poll, 0, 0, NAP }, { "poll-fd", s_poll_fd, 1, 0, 0 },
	{ "ppoll", s_ppoll, 0, 0, NAP }, { "select", s_select, 0, 0, NAP }, { "select-fd", s_select_fd, 1, 0, 0 },
	{ "pselect", s_pselect, 0, 0, NAP }, { "futex", s_futex, 0, 0, 0 },
	{ "futex-nap", s_futex_nap, -1, ETIMEDOUT, NAP }, { "futex-abs", s_futex_abs, -1, ETIMEDOUT, 2000 },
	{ "epoll", s_epoll, 1, 0, 0 }, { "epoll-nap", s_epoll_nap, 0, 0, NAP }, { "read", s_read, 1, 0, 0 },
	{ "write", s_write, 4096, 0, 0 }, { "eventfd", s_eventfd, 8, 0, 0 }, { "open-fifo", s_open_fifo, 1, 0, 0 },
	{ "sigwait", s_sigwait, SIGUSR2, 0, 0 }, { "sigwait-nap", s_sigwait_nap, -1, EAGAIN, NAP },
	{ "pause", s_pause, -1, EINTR, 0 }, { "sigsuspend", s_sigsuspend, -1, EINTR, 0 },
	{ "waitpid", s_waitpid, 1, 0, 0 }, { "waitid", s_waitid, 1, 0, 0 },
};
#define NS ((int)(sizeof(S) / sizeof(*S)))
static pid_t pid[NS];

static void sleeper(struct sleeper *s)
{
	struct fx_who who;
	sigset_t m;
	int64_t t;
	long r;
	int e;

	sigemptyset(&m);
	sigaddset(&m, SIGUSR2);
	if (!strcmp(s->name, "sigsuspend"))
		sigaddset(&m, SIGUSR1);
	sigprocmask(SIG_SETMASK, &m, NULL);
	if (s->fn == s_waitpid || s->fn == s_waitid)
		have_kid();
	fx_enter(s->name);
	fx_who_get(&who);
	t = fx_now();
	errno = 0;
	r = s->fn();
	e = r == -1 ? errno : 0;
	t = fx_now() - t;
	if (fx_broken("result"))
		e = EINTR;
	if (fx_broken("early"))
		t = 0;
	while (!fx_go())
		usleep(5000);
	CHECK(r == s->want && e == s->err, "%s: result %ld, errno %d (%s); not %ld, errno %d", s->name, r, e, strerror(e), s->want, s->err);
	CHECK(t >= s->nap * 1000000LL, "%s: slept %lld ms of %d", s->name, (long long)t / 1000000, s->nap);
	CHECK(!s->nap || t < s->nap * 1000000LL + FX_PATIENCE, "%s: slept %lld ms instead of %d", s->name, (long long)t / 1000000, s->nap);
	if (s->err == EINTR)
		CHECK(handled == SIGUSR1, "%s: no handler ran", s->name);
	fx_who_check(&who, 1);
	fx_leave();
}

static void wake(void)
{
	char buf[65536];
	uint64_t one = 1;
	int left = 65536, r, fd;

	sh->futex_a = 1;
	syscall(SYS_futex, &sh->futex_a, FUTEX_WAKE, 9, NULL, NULL, 0);
	MUST(write(pipe_r[1], "r", 1) == 1 && write(pipe_poll[1], "p", 1) == 1 && write(pipe_ep[1], "e", 1) == 1);
	MUST(write(ev, &one, 8) == 8);
	for (int i = 0; i < NS; i++) {
		if (!strcmp(S[i].name, "sigsuspend"))
			kill(pid[i], SIGUSR1);
		/* pause(2) does not see a signal that came before it */
		for (; !strcmp(S[i].name, "pause") && !__atomic_load_n(&sh->paused, __ATOMIC_SEQ_CST); usleep(2000))
			kill(pid[i], SIGUSR1);
		if (!strcmp(S[i].name, "sigwait"))
			kill(pid[i], SIGUSR2);
	}
	fd = open(fifo, O_WRONLY);
	CHECK(fd >= 0, "fifo: %s", strerror(errno));
	for (; left > 0 && (r = read(pipe_full[0], buf, left)) > 0; left -= r)
		for (int i = 0; i < r; i++)
			if (buf[i] != 'f') {
				CHECK(0, "the full pipe holds other bytes than it did");
				return;
			}
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_usr1 };
	struct epoll_event e = { .events = EPOLLIN };
	char buf[65536];
	int i;

	fx_begin(argc, argv);
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(sh != MAP_FAILED && !sigaction(SIGUSR1, &sa, NULL));
	MUST(!pipe(pipe_r) && !pipe(pipe_poll) && !pipe(pipe_ep) && !pipe(pipe_full));
	MUST((ev = eventfd(0, 0)) >= 0 && (ep = epoll_create1(0)) >= 0 && !epoll_ctl(ep, EPOLL_CTL_ADD, pipe_ep[0], &e));
	MUST(write(pipe_full[1], memset(buf, 'f', sizeof(buf)), sizeof(buf)) == sizeof(buf));
	snprintf(fifo, sizeof(fifo), "%s/fifo", fx_dir);
	MUST(!mkfifo(fifo, 0600));
	for (i = 0; i < NS; i++)
		if (!(pid[i] = fork()))
			sleeper(&S[i]);
	fx_enter("root");
	fx_await_roles(NS + 1);
	fx_ready();

	fx_wait_go();
	wake();
	for (i = 0; i < NS; i++)
		fx_join(pid[i], S[i].name);
	return fx_finish();
}
