/*
 * ownthreads: threads of one process that share less than threads mostly do
 * (unshare(2), raw system calls): own working directory and umask, own
 * descriptors, own credentials, own login, own scheduling, own flags. And a
 * stopped process with threads.
 */
#include "fx.h"
#include <linux/capability.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/personality.h>

#define N 6
static int entered, own_fd, common_fd;
static volatile int looked;

struct view {
	char cwd[200];
	mode_t mask;
	uid_t ids[8];
	uint64_t caps, bounding;
	struct fx_fds fds;
	int nnp, policy, nice, secure, keep, ioprio;
	long slack;
	unsigned personality;
	cpu_set_t cpus;
	char comm[16];
};

static struct view was[N], is[N];
static long long logins_were[2], logins_are[2];

/* Of the process and of this thread. To open a file shows in descriptors that are
 * shared: only the thread that has its own may. */
static void logins(long long *l)
{
	l[0] = fx_number("/proc/self/loginuid");
	l[1] = fx_number("/proc/thread-self/loginuid");
}

static void look(struct view *v)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };

	memset(v, 0, sizeof(*v));
	MUST(getcwd(v->cwd, sizeof(v->cwd)));
	v->mask = umask(0);
	umask(v->mask);
	syscall(SYS_getresuid, &v->ids[0], &v->ids[1], &v->ids[2]);
	syscall(SYS_getresgid, &v->ids[3], &v->ids[4], &v->ids[5]);
	v->ids[6] = syscall(SYS_setfsuid, -1);
	v->ids[7] = syscall(SYS_setfsgid, -1);
	syscall(SYS_capget, &h, d);
	v->caps = d[0].effective | (uint64_t)d[1].effective << 32;
	for (int c = 0; c < 64; c++)
		if (prctl(PR_CAPBSET_READ, c) == 1)
			v->bounding |= 1ULL << c;
	fx_fds_get(&v->fds);
	v->nnp = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	v->policy = syscall(SYS_sched_getscheduler, 0);
	v->nice = syscall(SYS_getpriority, PRIO_PROCESS, 0);
	v->secure = prctl(PR_GET_SECUREBITS);
	v->keep = prctl(PR_GET_KEEPCAPS);
	v->ioprio = syscall(SYS_ioprio_get, 1, 0);
	v->slack = prctl(PR_GET_TIMERSLACK);
	v->personality = personality(0xffffffff);
	sched_getaffinity(0, sizeof(v->cpus), &v->cpus);
	prctl(PR_GET_NAME, v->comm);
}

static void own(int n)
{
	struct sched_param sp = { 0 };
	cpu_set_t one;

	switch (n) {
	case 1:
		MUST(!unshare(CLONE_FS) && !chdir("/proc"));
		umask(0117);
		break;
	case 2:
		MUST(!unshare(CLONE_FILES));
		MUST((own_fd = open("/dev/zero", O_RDONLY)) >= 0 && dup2(own_fd, 77) == 77 && !close(common_fd));
		fx_set_login("4713");
		logins(logins_were);
		break;
	case 3:
		MUST(!syscall(SYS_setresgid, 1, 2, 3) && !prctl(PR_SET_KEEPCAPS, 1) && !syscall(SYS_setresuid, 4, 5, 6));
		break;
	case 4:
		MUST(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_CAPBSET_DROP, CAP_SYS_TIME));
		personality(ADDR_COMPAT_LAYOUT);
		break;
	case 5:
		CPU_ZERO(&one);
		CPU_SET(sched_getcpu(), &one);
		MUST(!sched_setaffinity(0, sizeof(one), &one) && !syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &sp));
		MUST(!setpriority(PRIO_PROCESS, syscall(SYS_gettid), 11) && !prctl(PR_SET_TIMERSLACK, 123456) && !syscall(SYS_ioprio_set, 1, 0, 3 << 13));
	}
}

#define SAME(f, fmt) CHECK(b->f == a->f, "thread %d: " #f " is " fmt ", was " fmt, n, b->f, a->f)

static void compare(int n)
{
	const struct view *a = &was[n], *b = &is[n];

	CHECK(!strcmp(a->cwd, b->cwd), "thread %d: cwd is %s, was %s", n, b->cwd, a->cwd);
	SAME(mask, "%#o");
	for (int i = 0; i < 8; i++)
		SAME(ids[i], "%u");
	SAME(caps, "%#lx");
	SAME(bounding, "%#lx");
	for (int i = 0; i < 1024; i++)
		CHECK(a->fds.fd[i] == b->fds.fd[i] && a->fds.fl[i] == b->fds.fl[i], "thread %d: descriptor %d", n, i);
	SAME(nnp, "%d");
	SAME(policy, "%d");
	SAME(nice, "%d");
	SAME(secure, "%#x");
	SAME(keep, "%d");
	SAME(ioprio, "%#x");
	SAME(slack, "%ld");
	SAME(personality, "%#x");
	CHECK(CPU_EQUAL(&a->cpus, &b->cpus), "thread %d: affinity", n);
}

static void *thread(void *arg)
{
	int n = (int)(intptr_t)arg, fd;

	own(n);
	look(&was[n]);
	if (__atomic_add_fetch(&entered, 1, __ATOMIC_SEQ_CST) == N)
		fx_ready(); /* the first thread: it waits for the others before it comes here */
	fx_wait_go();
	if (fx_broken("cwd") && n == 1)
		MUST(!chdir("/"));
	if (fx_broken("files") && n == 2)
		close(77);
	if (fx_broken("creds") && n == 3)
		syscall(SYS_setresuid, 6, 6, 6);
	if (fx_broken("flags") && n == 0)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	look(&is[n]);
	compare(n);
	if (n == 2) {
		if (fx_broken("login"))
			logins_were[1] ^= 1;
		logins(logins_are);
		for (int i = 0; i < 2; i++)
			CHECK(logins_are[i] == logins_were[i], "login %d is %lld, was %lld", i, logins_are[i], logins_were[i]);
	}
	__atomic_fetch_add(&looked, 1, __ATOMIC_SEQ_CST);
	while (looked < N)
		usleep(1000);
	/* what is shared goes on being shared, what is not does not */
	if (n == 0) {
		MUST((fd = open("/dev/null", O_RDONLY)) >= 0 && dup2(fd, 99) == 99 && !chdir("/tmp"));
		looked = N + 1;
	}
	while (looked < N + 1)
		usleep(1000);
	CHECK((fcntl(99, F_GETFD) >= 0) == (n != 2), "thread %d: descriptor table is shared: %d", n, fcntl(99, F_GETFD));
	look(&is[n]);
	CHECK(!strcmp(is[n].cwd, "/tmp") == (n != 1), "thread %d: working directory is %s", n, is[n].cwd);
	return NULL;
}

static void *waiter(void *a)
{
	fx_wait_go();
	__atomic_fetch_add(&looked, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void stopped(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		MUST(!pthread_create(&t[i], NULL, waiter, NULL));
	fx_enter("stopped");
	raise(SIGSTOP);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK(looked == 3, "%d of 3 threads went on", looked);
	fx_leave();
}

int main(int argc, char **argv)
{
	pthread_t t[N];
	siginfo_t si = { 0 };
	pid_t p;

	fx_begin(argc, argv);
	umask(0); /* threads of other users write there */
	close(open(fx_path_result, O_CREAT | O_WRONLY, 0666));
	if (!(p = fork()))
		stopped();
	MUST(!waitid(P_PID, p, &si, WSTOPPED));
	MUST((common_fd = open("/dev/null", O_RDWR)) >= 0);
	for (int i = 1; i < N; i++)
		MUST(!pthread_create(&t[i], NULL, thread, (void *)(intptr_t)i));
	while (__atomic_load_n(&entered, __ATOMIC_SEQ_CST) < N - 1)
		usleep(500);
	fx_enter("root");
	thread(NULL);
	for (int i = 1; i < N; i++)
		pthread_join(t[i], NULL);
	memset(&si, 0, sizeof(si));
	CHECK(!waitid(P_PID, p, &si, WSTOPPED | WNOHANG) && !si.si_pid, "the stop is reported a second time");
	kill(p, SIGCONT);
	fx_join(p, "stopped");
	return fx_finish();
}
