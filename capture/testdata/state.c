// Signals, timers, limits, credentials and scheduling set to unusual values.
#include "fx.h"
#include <pthread.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <linux/securebits.h>

static void handler(int sig, siginfo_t *si, void *ctx) {}
static volatile int started;
static char alt1[16384], alt2[16384];

static void *thread(void *arg) {
	prctl(PR_SET_NAME, "thread");
	stack_t st = {.ss_sp = alt2, .ss_size = sizeof alt2};
	CHECK(sigaltstack(&st, NULL) == 0);
	sigset_t m;
	sigemptyset(&m);
	sigaddset(&m, SIGUSR1);
	sigaddset(&m, SIGUSR2);
	sigaddset(&m, SIGTRAP);
	CHECK(pthread_sigmask(SIG_BLOCK, &m, NULL) == 0);
	CHECK(prctl(PR_SET_PDEATHSIG, SIGHUP) == 0);
	CHECK(setpriority(PRIO_PROCESS, 0, 3) == 0);
	cpu_set_t c;
	CPU_ZERO(&c);
	CPU_SET(0, &c);
	CHECK(sched_setaffinity(0, sizeof c, &c) == 0);
	CHECK(prctl(PR_SET_TIMERSLACK, 1234) == 0);
	union sigval v = {.sival_int = 4711};
	CHECK(pthread_sigqueue(pthread_self(), SIGUSR2, v) == 0);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	started = 1;
	say("thread %ld %ld\n", (long)syscall(SYS_gettid), (long)alt2);
	while (access("go", F_OK) != 0) usleep(2000);
	int sig;
	siginfo_t si;
	CHECK(sigwaitinfo(&m, &si) == SIGUSR2 && si.si_value.sival_int == 4711);
	CHECK(sigaltstack(NULL, &st) == 0 && st.ss_sp == alt2);
	return 0;
}

int main(void) {
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
	sigaddset(&sa.sa_mask, SIGTERM);
	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	CHECK(signal(SIGTRAP, SIG_IGN) != SIG_ERR);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	struct sigaction chld = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	CHECK(sigaction(SIGCHLD, &chld, NULL) == 0);
	say("handler %ld 0\n", (long)handler);
	stack_t st = {.ss_sp = alt1, .ss_size = sizeof alt1};
	CHECK(sigaltstack(&st, NULL) == 0);
	say("alt %ld 0\n", (long)alt1);
	sigset_t m;
	sigemptyset(&m);
	sigaddset(&m, SIGRTMIN + 1);
	sigaddset(&m, SIGTERM);
	sigprocmask(SIG_BLOCK, &m, NULL);
	for (int i = 0; i < 3; i++) {
		union sigval v = {.sival_int = i};
		CHECK(sigqueue(getpid(), SIGRTMIN + 1, v) == 0);
	}
	CHECK(kill(getpid(), SIGTERM) == 0);
	struct itimerval it = {{3, 0}, {500, 250000}};
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	struct itimerval vt = {{0, 0}, {700, 0}};
	CHECK(setitimer(ITIMER_PROF, &vt, NULL) == 0);
	timer_t t1, t2, t3;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2, .sigev_value.sival_ptr = (void *)0x123456789a};
	CHECK(timer_create(CLOCK_REALTIME, &ev, &t1) == 0);
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	CHECK(timer_create(CLOCK_MONOTONIC, &none, &t2) == 0);
	ev.sigev_notify = SIGEV_THREAD_ID;
	((int *)&ev)[4] = getpid(); // _sigev_un._tid
	CHECK(timer_create(CLOCK_MONOTONIC, &ev, &t3) == 0);
	struct itimerspec its = {{1, 5}, {1000, 0}};
	CHECK(timer_settime(t1, 0, &its, NULL) == 0);
	say("timers %d %d\n", (int)(long)t1, (int)(long)t3);
	struct rlimit l = {333, 444};
	CHECK(setrlimit(RLIMIT_NOFILE, &l) == 0);
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);
	CHECK(write(fd, "123", 3) == 3);
	close(fd);
	CHECK(personality(ADDR_NO_RANDOMIZE) >= 0);
	umask(027);
	pthread_t t;
	CHECK(pthread_create(&t, NULL, thread, NULL) == 0);
	while (!started) usleep(1000);
	int c = fork();
	if (c == 0) {
		prctl(PR_SET_NAME, "child");
		gid_t groups[] = {7, 8};
		CHECK(syscall(SYS_setgroups, 2, groups) == 0);
		CHECK(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP) == 0);
		CHECK(syscall(SYS_setresgid, 1001, 1002, 1003) == 0 && syscall(SYS_setresuid, 2001, 2002, 2003) == 0);
		struct sched_param sp = {.sched_priority = 0};
		sched_setscheduler(0, SCHED_BATCH, &sp);
		quiet();
		for (;;) pause();
	}
	ready();
	await_go();
	sa.sa_handler = NULL;
	CHECK(sigaction(SIGTRAP, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN);
	for (int i = 0; i < 3; i++) {
		siginfo_t si;
		sigemptyset(&m);
		sigaddset(&m, SIGRTMIN + 1);
		CHECK(sigwaitinfo(&m, &si) == SIGRTMIN + 1 && si.si_value.sival_int == i);
	}
	CHECK(pthread_join(t, NULL) == 0);
	return 0;
}
