/*
 * signals: pending signals of the process and of each thread with their whole
 * siginfo and in their order, handlers with flags and masks, blocked sets, and
 * alternate stacks that handlers run on after the restore.
 */
#include "fx.h"
#include <pthread.h>

static pthread_barrier_t bar;
static int rtmin;

struct seen {
	int sig, code, value;
	pid_t pid;
	uid_t uid;
};

/* what root and the thread find pending, in the kernel's order of delivery */
static struct seen want_shared[] = {
	{ SIGUSR1, SI_USER, 0, -1, 0 }, { SIGTERM, SI_QUEUE, 4711, -1, 0 }, { SIGCHLD, CLD_EXITED, 9, -2, 0 },
	{ 34 + 2, SI_QUEUE, 1, -1, 0 }, { 34 + 2, SI_QUEUE, 2, -1, 0 }, { 34 + 2, SI_QUEUE, 3, -1, 0 },
	{ 34 + 5, -60, 77, 123, 456 }, { 64, SI_QUEUE, -5, -1, 0 },
};
static struct seen want_thread[] = {
	{ SIGUSR2, SI_TKILL, 0, -1, 0 }, { 34 + 1, SI_TKILL, 0, -1, 0 }, { 34 + 3, SI_QUEUE, 31, -1, 0 },
	{ 34 + 3, SI_QUEUE, 32, -1, 0 },
};
static pid_t child;

static void queue(int sig, int value, pid_t tid)
{
	siginfo_t si = { .si_signo = sig, .si_code = SI_QUEUE };

	si.si_pid = getpid();
	si.si_uid = getuid();
	si.si_value.sival_int = value;
	if (tid)
		MUST(!syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, sig, &si));
	else
		MUST(!syscall(SYS_rt_sigqueueinfo, getpid(), sig, &si));
}

/* without the C library, which turns SI_TKILL into SI_USER */
static int take(const sigset_t *set, siginfo_t *si)
{
	struct timespec zero = { 0 };

	return syscall(SYS_rt_sigtimedwait, set, si, &zero, 8);
}

/* Take the pending signals of the set one by one and compare. */
static void drain(const char *who, const sigset_t *set, const struct seen *w, int n)
{
	siginfo_t si;
	int r, i;

	if (fx_broken("lost"))
		take(set, &si);
	if (fx_broken("order"))
		kill(getpid(), SIGHUP);
	for (i = 0; i < n; i++) {
		memset(&si, 0, sizeof(si));
		r = take(set, &si);
		CHECK(r == w[i].sig, "%s: pending signal %d is %d, was %d", who, i, r, w[i].sig);
		if (r != w[i].sig)
			continue;
		CHECK(si.si_code == w[i].code, "%s: signal %d: si_code %d, was %d", who, r, si.si_code, w[i].code);
		if (w[i].pid == -2)
			CHECK(si.si_pid == child && si.si_status == w[i].value, "%s: SIGCHLD: pid %d status %d, was %d %d", who, si.si_pid, si.si_status, child, w[i].value);
		else
			CHECK(si.si_pid == (w[i].pid == -1 ? getpid() : w[i].pid) && si.si_uid == (w[i].pid == -1 ? getuid() : w[i].uid),
			      "%s: signal %d: from %d, uid %d", who, r, si.si_pid, si.si_uid);
		if (si.si_code == SI_QUEUE || si.si_code == -60)
			CHECK(si.si_value.sival_int == w[i].value, "%s: signal %d: value %d, was %d", who, r, si.si_value.sival_int, w[i].value);
	}
	r = take(set, &si);
	CHECK(r == -1 && errno == EAGAIN, "%s: signal %d is pending, too", who, r);
}

/* handlers */
static char *alt_main, *alt_thread;
static __thread char *my_alt;
static volatile int ran[65], on_alt[65], nested;
static sigset_t during[65];

static void handler(int s, siginfo_t *si, void *uc)
{
	char here;

	ran[s]++;
	on_alt[s] = my_alt && &here >= my_alt && &here < my_alt + 32768;
	pthread_sigmask(SIG_SETMASK, NULL, &during[s]);
	if (s == SIGURG)
		nested = si->si_code == SI_TKILL;
}
static void plain(int s) { ran[s]++; }

struct ksa {
	void *h;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};
static struct ksa actions[65];

static void actions_get(struct ksa *a)
{
	for (int s = 1; s < 65; s++)
		MUST(!syscall(SYS_rt_sigaction, s, NULL, &a[s], 8));
}

static void actions_set(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };

	sigaddset(&sa.sa_mask, SIGHUP);
	MUST(!sigaction(SIGWINCH, &sa, NULL));
	sa.sa_flags = SA_SIGINFO | SA_NODEFER;
	sigaddset(&sa.sa_mask, 40);
	MUST(!sigaction(SIGURG, &sa, NULL));
	sa = (struct sigaction){ .sa_handler = plain, .sa_flags = SA_RESETHAND };
	MUST(!sigaction(SIGIO, &sa, NULL));
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	signal(50, SIG_IGN);
	sa = (struct sigaction){ .sa_handler = plain, .sa_flags = SA_NOCLDSTOP | SA_NOCLDWAIT };
	MUST(!sigaction(SIGCHLD, &sa, NULL));
}

static void check_actions(void)
{
	static struct ksa now[65];

	if (fx_broken("action"))
		signal(SIGTSTP, SIG_DFL);
	actions_get(now);
	for (int s = 1; s < 65; s++) /* flags and mask of an ignored signal mean nothing, but for SIGCHLD */
		CHECK(!memcmp(&now[s], &actions[s], actions[s].h == SIG_IGN && s != SIGCHLD ? sizeof(now[s].h) : sizeof(now[s])), "signal %d: handler %p flags %#lx mask %#llx, was %p %#lx %#llx", s,
		      now[s].h, now[s].flags, (unsigned long long)now[s].mask, actions[s].h, actions[s].flags, (unsigned long long)actions[s].mask);
}

static void check_handlers(const char *who)
{
	sigset_t m;

	if (fx_broken("altstack"))
		MUST(!sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL));
	ran[SIGWINCH] = 0;
	MUST(!syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGWINCH));
	CHECK(ran[SIGWINCH] == 1, "%s: handler ran %d times", who, ran[SIGWINCH]);
	CHECK(on_alt[SIGWINCH], "%s: handler did not run on the alternate stack", who);
	m = during[SIGWINCH];
	CHECK(sigismember(&m, SIGHUP) && sigismember(&m, SIGWINCH), "%s: wrong mask in the handler", who);
	MUST(!syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGURG));
	m = during[SIGURG];
	CHECK(ran[SIGURG] && nested && !on_alt[SIGURG] && sigismember(&m, 40) && !sigismember(&m, SIGURG), "%s: handler of SIGURG", who);
	ran[SIGURG] = 0;
}

/* A process that ignores its children's ends by flag, not by handler. */
static void no_zombies(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	pid_t p;

	MUST(!sigaction(SIGCHLD, &sa, NULL));
	fx_enter("nocldwait");
	fx_wait_go();
	if (fx_broken("nocldwait"))
		signal(SIGCHLD, SIG_DFL);
	MUST((p = fork()) >= 0);
	if (!p)
		_exit(0);
	CHECK(waitpid(p, NULL, 0) == -1 && errno == ECHILD, "SA_NOCLDWAIT is lost: a child became a zombie");
	fx_leave();
}

static char *alt_stack(void)
{
	stack_t ss = { .ss_size = 32768 };

	ss.ss_sp = mmap(NULL, 32768, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(ss.ss_sp != MAP_FAILED && !sigaltstack(&ss, NULL));
	return my_alt = ss.ss_sp;
}

static void *thread(void *a)
{
	sigset_t all, mine, now;
	pid_t me = syscall(SYS_gettid);

	alt_thread = alt_stack();
	sigfillset(&all);
	sigdelset(&all, SIGWINCH);
	sigdelset(&all, SIGURG);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	MUST(!syscall(SYS_tgkill, getpid(), me, SIGUSR2) && !syscall(SYS_tgkill, getpid(), me, SIGUSR2));
	MUST(!syscall(SYS_tgkill, getpid(), me, rtmin + 1));
	queue(rtmin + 3, 31, me);
	queue(rtmin + 3, 32, me);
	pthread_barrier_wait(&bar);
	fx_wait_go();
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	CHECK(!memcmp(&now, &mine, 8), "thread: blocked set %llx, was %llx", *(unsigned long long *)&now, *(unsigned long long *)&mine);
	pthread_barrier_wait(&bar); /* root has taken the process's */
	drain("thread", &all, want_thread, 4);
	check_handlers("thread");
	return NULL;
}

int main(int argc, char **argv)
{
	sigset_t block, now, mine;
	siginfo_t si = { 0 };
	pthread_t t;
	pid_t other;
	int st = -1;

	fx_begin(argc, argv);
	rtmin = 34; /* the C library's own are 32 and 33 */
	pthread_barrier_init(&bar, NULL, 2);
	sigfillset(&block);
	sigdelset(&block, SIGWINCH);
	sigdelset(&block, SIGURG);
	pthread_sigmask(SIG_SETMASK, &block, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	if (!(other = syscall(SYS_clone, 0, 0, 0, 0, 0))) /* its end sends no SIGCHLD */
		no_zombies();
	fx_await_roles(1);
	if (!(child = fork()))
		_exit(9);
	MUST(!waitid(P_PID, child, &si, WEXITED)); /* SIGCHLD stays pending */
	actions_set();
	alt_main = alt_stack();
	queue(64, -5, 0);
	queue(rtmin + 2, 1, 0);
	queue(SIGTERM, 4711, 0);
	queue(rtmin + 2, 2, 0);
	MUST(!kill(getpid(), SIGUSR1) && !kill(getpid(), SIGUSR1));
	queue(rtmin + 2, 3, 0);
	memset(&si, 0, sizeof(si));
	si.si_signo = rtmin + 5;
	si.si_code = -60;
	si.si_pid = 123;
	si.si_uid = 456;
	si.si_value.sival_int = 77;
	MUST(!syscall(SYS_rt_sigqueueinfo, getpid(), rtmin + 5, &si));
	MUST(!pthread_create(&t, NULL, thread, NULL));
	pthread_barrier_wait(&bar);
	actions_get(actions); /* the first thread brings the C library's own */
	fx_enter("root");
	fx_ready();

	fx_wait_go();
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	if (fx_broken("blocked"))
		sigdelset(&now, SIGHUP);
	CHECK(!memcmp(&now, &mine, 8), "blocked set %llx, was %llx", *(unsigned long long *)&now, *(unsigned long long *)&mine);
	drain("root", &block, want_shared, 8);
	check_actions();
	pthread_barrier_wait(&bar);
	pthread_join(t, NULL);
	check_handlers("root");
	sigemptyset(&block);
	sigaddset(&block, SIGIO);
	pthread_sigmask(SIG_UNBLOCK, &block, NULL);
	raise(SIGIO);
	CHECK(ran[SIGIO] == 1 && signal(SIGIO, SIG_DFL) == SIG_DFL, "SA_RESETHAND is gone");
	CHECK(waitpid(other, &st, __WALL) == other && !st, "child nocldwait ended with status %#x", st);
	return fx_finish();
}
