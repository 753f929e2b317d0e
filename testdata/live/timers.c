/*
 * timers: interval timers and POSIX timers that fire after the restore with
 * what was left of their time, no sooner and not much later.
 */
#include "fx.h"
#include <pthread.h>
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define SLACK (2 * FX_PATIENCE) /* a busy machine, and the time while frozen */
static volatile int alarms, prof, virt;
static volatile int64_t alarm_at, alarm_first;

static void on_alarm(int s) { if (!alarms++) alarm_first = fx_now(); alarm_at = fx_now(); }
static void on_prof(int s) { prof++; }
static void on_virt(int s) { virt++; }

static int64_t ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }
static struct timespec ms(long n) { return (struct timespec){ n / 1000, n % 1000 * 1000000 }; }

struct fired {
	volatile int n;
	int code, value, over, id;
	int64_t at;
};
static struct fired F[65];

/* All that is to come has come, and more than once what comes again. */
static int all_fired(void)
{
	for (int i = 1; i < 7; i++)
		if (i != 2 && !F[34 + i].n)
			return 0;
	return F[34 + 3].n + F[34 + 3].over >= 6 && alarms >= 3;
}

static int64_t cpu(clockid_t c)
{
	struct timespec t;

	clock_gettime(c, &t);
	return ns(t);
}

static void burn(int millis)
{
	volatile uint64_t x = 1;

	for (int64_t end = cpu(CLOCK_PROCESS_CPUTIME_ID) + millis * 1000000LL; cpu(CLOCK_PROCESS_CPUTIME_ID) < end;)
		for (int i = 0; i < 1000; i++)
			x = x * 3 + 1;
}

static void take(int sig, siginfo_t *si)
{
	struct fired *f = &F[sig];

	f->code = si->si_code;
	f->value = si->si_value.sival_int;
	f->over += si->si_overrun;
	f->at = fx_now();
	f->n++;
}

static int tid;
static volatile int thread_sig, stop;
static sigset_t all;

static void *thread(void *a)
{
	sigset_t s;
	siginfo_t si;
	struct timespec t = ms(50);

	tid = syscall(SYS_gettid);
	sigemptyset(&s);
	sigaddset(&s, 34 + 6);
	while (!stop)
		if (sigtimedwait(&s, &si, &t) == 34 + 6)
			take(34 + 6, &si), thread_sig = syscall(SYS_gettid) == tid;
	return NULL;
}

/* kernel ids, which the C library's timer_t hides */
static int make(clockid_t c, int notify, int sig, int value, pid_t to)
{
	struct sigevent ev = { .sigev_notify = notify, .sigev_signo = sig };
	int id = -1;

	ev.sigev_value.sival_int = value;
	ev.sigev_notify_thread_id = to;
	MUST(!syscall(SYS_timer_create, c, &ev, &id));
	return id;
}

static void arm(int id, long value, long interval)
{
	struct itimerspec it = { ms(interval), ms(value) };

	MUST(!syscall(SYS_timer_settime, id, 0, &it, NULL));
}

static struct itimerspec left(int id)
{
	struct itimerspec it = { { 0 }, { -1, 0 } };

	CHECK(!syscall(SYS_timer_gettime, id, &it), "timer %d: %s", id, strerror(errno));
	return it;
}

static void fired_once(const char *name, int sig, int value, int64_t start, long millis)
{
	struct fired *f = &F[sig];

	CHECK(f->n == 1, "%s fired %d times", name, f->n);
	if (f->n != 1)
		return;
	CHECK(f->code == SI_TIMER && f->value == value, "%s: code %d, value %d", name, f->code, f->value);
	CHECK(f->at - start >= millis * 1000000LL && f->at - start < millis * 1000000LL + SLACK, "%s fired after %lld ms of %ld", name,
	      (long long)(f->at - start) / 1000000, millis);
}

int main(int argc, char **argv)
{
	struct itimerval iv = { { 0, 200000 }, { 1, 200000 } }, now, prof_was;
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	int one, gap, periodic, none, real, cpu_t, to_thread, bound, r;
	struct timespec abs_t, t = ms(50);
	struct itimerspec it;
	int64_t start;
	pthread_t th;
	siginfo_t si;

	fx_begin(argc, argv);
	sigfillset(&all);
	for (int s = 1; s < 34; s++)
		sigdelset(&all, s);
	sigprocmask(SIG_SETMASK, &all, NULL);
	MUST(!pthread_create(&th, NULL, thread, NULL));
	while (!tid)
		usleep(500);
	sigaction(SIGALRM, &sa, NULL);
	sa.sa_handler = on_prof;
	sigaction(SIGPROF, &sa, NULL);
	sa.sa_handler = on_virt;
	sigaction(SIGVTALRM, &sa, NULL);
	one = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, 34 + 1, 101, 0);
	gap = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, 34 + 2, 0, 0);
	periodic = make(CLOCK_REALTIME, SIGEV_SIGNAL, 34 + 3, 103, 0);
	none = make(CLOCK_BOOTTIME, SIGEV_NONE, 0, 0, 0);
	real = make(CLOCK_REALTIME, SIGEV_SIGNAL, 34 + 4, 104, 0);
	cpu_t = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, 34 + 5, 105, 0);
	to_thread = make(CLOCK_MONOTONIC, SIGEV_THREAD_ID, 34 + 6, 106, tid);
	bound = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, 34 + 7, 107, 0);
	MUST(!syscall(SYS_timer_delete, gap));
	fx_enter("root");
	start = fx_now();
	MUST(!setitimer(ITIMER_REAL, &iv, NULL));
	iv = (struct itimerval){ { 0, 0 }, { 0, 300000 } };
	MUST(!setitimer(ITIMER_PROF, &iv, NULL) && !setitimer(ITIMER_VIRTUAL, &iv, NULL));
	MUST(!getitimer(ITIMER_PROF, &prof_was));
	arm(one, 1300, 0);
	arm(periodic, 1400, 100);
	arm(none, 3600000, 7000);
	clock_gettime(CLOCK_REALTIME, &abs_t);
	abs_t.tv_sec += 2;
	it = (struct itimerspec){ { 0 }, abs_t };
	MUST(!syscall(SYS_timer_settime, real, TIMER_ABSTIME, &it, NULL));
	arm(cpu_t, 250, 0);
	arm(to_thread, 1100, 0);
	fx_ready();

	while (!fx_go())
		usleep(10000);
	if (fx_broken("deleted"))
		syscall(SYS_timer_delete, none), syscall(SYS_timer_delete, bound);
	if (fx_broken("interval"))
		setitimer(ITIMER_REAL, &(struct itimerval){ { 0 }, { 1, 0 } }, NULL), arm(periodic, 1400, 0);
	/* what is left cannot be more than it was; the time while frozen may count or not */
	it = left(none);
	CHECK(ns(it.it_interval) == 7000000000LL && ns(it.it_value) <= 3600000000000LL && ns(it.it_value) >= 3600000000000LL - (fx_now() - start) - 1000000000LL,
	      "timer without a signal has %lld ms left, every %lld ms", (long long)ns(it.it_value) / 1000000, (long long)ns(it.it_interval) / 1000000);
	it = left(bound);
	CHECK(!ns(it.it_value) && !ns(it.it_interval), "the disarmed timer runs");
	r = syscall(SYS_timer_gettime, gap, &it);
	CHECK(r == -1 && errno == EINVAL, "the deleted timer is back");
	CHECK(!getitimer(ITIMER_REAL, &now) && now.it_interval.tv_usec == 200000, "interval of ITIMER_REAL is %ld us", (long)now.it_interval.tv_usec);
	CHECK(!getitimer(ITIMER_PROF, &now) && (prof || now.it_value.tv_usec > 0) && now.it_value.tv_usec <= prof_was.it_value.tv_usec, "ITIMER_PROF has %ld us left, had %ld",
	      (long)now.it_value.tv_usec, (long)prof_was.it_value.tv_usec);
	if (!fx_broken("stuck"))
		burn(700); /* the timers of CPU time run out */
	while (!fx_broken("stuck") && !(prof && virt) && cpu(CLOCK_PROCESS_CPUTIME_ID) < FX_PATIENCE)
		burn(50); /* much of it was the kernel's */
	CHECK(prof == 1, "ITIMER_PROF fired %d times", prof);
	CHECK(virt == 1, "ITIMER_VIRTUAL fired %d times", virt);
	sigdelset(&all, 34 + 6);
	/* 4 s, so that one that fires twice is seen; much longer only on a machine that stands still */
	for (int64_t now = fx_now(), end = now + 4000000000LL; fx_now() < end || (!all_fired() && !fx_fails && fx_now() < now + FX_PATIENCE);)
		if (sigtimedwait(&all, &si, &t) > 0)
			take(si.si_signo, &si);
	stop = 1;
	pthread_join(th, NULL);
	if (fx_broken("early"))
		start = fx_now();
	fired_once("timer", 34 + 1, 101, start, 1300);
	fired_once("timer with an absolute time", 34 + 4, 104, start, 1999);
	fired_once("timer of CPU time", 34 + 5, 105, start, 250);
	fired_once("timer of a thread", 34 + 6, 106, start, 1100);
	CHECK(thread_sig || F[34 + 6].n == 0, "the thread's timer signalled another");
	CHECK(F[34 + 3].n + F[34 + 3].over >= 6 && F[34 + 3].value == 103, "periodic timer fired %d times", F[34 + 3].n + F[34 + 3].over);
	CHECK(alarms >= 3 && alarm_first - start >= 1200000000LL, "ITIMER_REAL fired %d times, first after %lld ms", alarms, (long long)(alarm_first - start) / 1000000);
	CHECK(!F[34 + 2].n && !F[34 + 7].n, "a timer fired that did not run");
	return fx_finish();
}
