/*
 * expired: timers that have gone off when the program is captured, and whose
 * signals nobody has taken yet: ITIMER_REAL, which goes on only when somebody
 * does, a periodic POSIX timer, and one of a single time.
 */
#include "fx.h"

#define PERIODIC (34 + 1)
#define ONCE (34 + 2)

static void await_pending(void)
{
	sigset_t now;

	do
		MUST(!usleep(1000) && !sigpending(&now));
	while (sigismember(&now, SIGALRM) != 1 || sigismember(&now, PERIODIC) != 1 || sigismember(&now, ONCE) != 1);
}

static timer_t timer(int sig, int value)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig };
	timer_t id;

	ev.sigev_value.sival_int = value;
	MUST(!timer_create(CLOCK_MONOTONIC, &ev, &id));
	return id;
}

/* Takes a signal, n times. */
static void comes(int sig, int code, int value, int n)
{
	struct timespec most = { FX_PATIENCE / 1000000000, 0 };
	sigset_t one;
	siginfo_t si;

	sigemptyset(&one);
	sigaddset(&one, sig);
	for (int i = 0; i < n && !fx_fails; i++) {
		memset(&si, 0, sizeof(si));
		CHECK(sigtimedwait(&one, &si, &most) == sig, "signal %d comes %d times, not %d", sig, i, n);
		CHECK(fx_fails || (si.si_code == code && si.si_value.sival_int == value), "signal %d: code %d, value %d", sig, si.si_code, si.si_value.sival_int);
	}
}

int main(int argc, char **argv)
{
	struct itimerval it = { { 0, 50000 }, { 0, 10000 } }, now;
	struct timespec ms = { 0, 1000000 };
	timer_t periodic, once;
	struct itimerspec left;
	sigset_t all;

	fx_begin(argc, argv);
	sigfillset(&all);
	MUST(!sigprocmask(SIG_BLOCK, &all, NULL));
	periodic = timer(PERIODIC, 7);
	once = timer(ONCE, 8);
	MUST(!timer_settime(periodic, 0, &(struct itimerspec){ { 0, 50000000 }, ms }, NULL) && !timer_settime(once, 0, &(struct itimerspec){ { 0 }, ms }, NULL));
	MUST(!setitimer(ITIMER_REAL, &it, NULL));
	await_pending();
	fx_enter("root");
	fx_ready();
	fx_wait_go();
	if (fx_broken("interval"))
		MUST(!setitimer(ITIMER_REAL, &(struct itimerval){ { 0 }, { 1, 0 } }, NULL));
	if (fx_broken("lost"))
		MUST(sigtimedwait(&(sigset_t){ { 1UL << (ONCE - 1) } }, NULL, &ms) == ONCE);
	if (fx_broken("periodic"))
		MUST(!timer_settime(periodic, 0, &(struct itimerspec){ { 0 } }, NULL));
	CHECK(!getitimer(ITIMER_REAL, &now) && now.it_interval.tv_usec == 50000, "interval of ITIMER_REAL is %ld us", (long)now.it_interval.tv_usec);
	CHECK(!timer_gettime(once, &left) && !left.it_value.tv_sec && !left.it_value.tv_nsec, "the timer of a single time runs");
	CHECK(!timer_gettime(periodic, &left) && left.it_interval.tv_nsec == 50000000 && (left.it_value.tv_sec || left.it_value.tv_nsec), "the periodic timer does not run");
	sigpending(&all);
	CHECK(sigismember(&all, ONCE) == 1, "a signal that was pending is lost");
	comes(SIGALRM, SI_KERNEL, 0, 4);
	comes(PERIODIC, SI_TIMER, 7, 4);
	comes(ONCE, SI_TIMER, 8, 1);
	return fx_finish();
}
