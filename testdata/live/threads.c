/*
 * threads: a glibc program with eight threads besides the first. Each has its
 * own TLS, name, signal mask, alternate stack, nice value, robust list, rseq
 * area and registers: four spin in user code, four sleep in a system call
 * (read, futex, nanosleep, poll) with vector registers set. One of the threads
 * holds a robust mutex.
 */
#include "hold.h"
#include "maps.h"
#include <asm/prctl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/rseq.h>

#define N 9
static __thread uint64_t tls_word = 1, tls_array[64];
static __thread char tls_text[32] = "initial";
static pthread_mutex_t robust;
static int futex_word, pipe_fd[2], poll_fd[2], entered;
static int nice_first; /* what this program was started with: less takes privilege */

struct thread {
	int n, nice;
	pthread_t id;
	pid_t tid;
	struct hold *hold;
	void *robust_head, *alt, *tls;
	sigset_t mask;
	uint64_t sum;
	unsigned long gs;
	struct timespec ts;
	struct pollfd pf;
	char byte;
} T[N];

static void setup(struct thread *t)
{
	stack_t ss = { .ss_size = 32768 };
	char name[16];
	size_t len;
	sigset_t m;

	t->tid = syscall(SYS_gettid);
	fx_fill(tls_array, sizeof(tls_array), 70 + t->n);
	tls_word = 1000 + t->n;
	snprintf(tls_text, sizeof(tls_text), "thread %d", t->n);
	t->sum = fx_fnv(tls_array, sizeof(tls_array), FX_FNV0);
	t->tls = &tls_word;
	MUST(!syscall(SYS_get_robust_list, 0, &t->robust_head, &len));
	sigemptyset(&m);
	sigaddset(&m, t->n & 1 ? SIGUSR1 : SIGUSR2);
	sigaddset(&m, SIGRTMIN + 4 + t->n);
	pthread_sigmask(SIG_SETMASK, &m, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &t->mask);
	if (t->n) {
		t->alt = ss.ss_sp = mmap(NULL, 32768, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		MUST(!sigaltstack(&ss, NULL));
		snprintf(name, sizeof(name), "fx-thread-%d", t->n);
		prctl(PR_SET_NAME, name);
	}
	setpriority(PRIO_PROCESS, t->tid, t->nice = nice_first + t->n < 19 ? nice_first + t->n : 19);
	t->gs = 0x1000 * t->n;
	MUST(!syscall(SYS_arch_prctl, ARCH_SET_GS, t->gs));
	__atomic_fetch_add(&entered, 1, __ATOMIC_SEQ_CST);
}

static void verify_rseq(struct thread *t)
{
	struct rseq *r = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
	cpu_set_t all, one;
	int cpu;

	if (!__rseq_size)
		return;
	CHECK((int)r->cpu_id >= 0, "thread %d: rseq is not registered (cpu_id %d)", t->n, (int)r->cpu_id);
	sched_getaffinity(0, sizeof(all), &all);
	for (cpu = 0; cpu < 64; cpu++)
		if (CPU_ISSET(cpu, &all)) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			sched_setaffinity(0, sizeof(one), &one);
			CHECK((int)r->cpu_id == cpu, "thread %d: rseq says cpu %d on cpu %d", t->n, (int)r->cpu_id, cpu);
		}
	sched_setaffinity(0, sizeof(all), &all);
}

static void verify(struct thread *t)
{
	unsigned long gs = 1;
	void *head = NULL;
	sigset_t m;
	stack_t ss;
	char name[16], want[16];
	size_t len;

	if (fx_broken("tls"))
		tls_array[3]++;
	if (fx_broken("mask"))
		pthread_sigmask(SIG_SETMASK, NULL, &m), sigaddset(&m, SIGHUP), pthread_sigmask(SIG_SETMASK, &m, NULL);
	if (fx_broken("nice"))
		setpriority(PRIO_PROCESS, t->tid, t->nice == 15 ? 16 : 15);
	if (fx_broken("altstack"))
		ss = (stack_t){ .ss_flags = SS_DISABLE }, sigaltstack(&ss, NULL);
	if (fx_broken("gs"))
		syscall(SYS_arch_prctl, ARCH_SET_GS, 0x99000);
	if (fx_broken("robust-list"))
		syscall(SYS_set_robust_list, &robust, sizeof(struct robust_list_head));
	if (fx_broken("name"))
		prctl(PR_SET_NAME, "wrong");
	if (fx_broken("rseq"))
		syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32, 1 /* unregister */, RSEQ_SIG);
	CHECK(syscall(SYS_gettid) == t->tid, "thread %d: tid %d, was %d", t->n, (int)syscall(SYS_gettid), t->tid);
	CHECK(pthread_self() == t->id || !t->n, "thread %d: pthread_self differs", t->n);
	CHECK(&tls_word == t->tls && tls_word == 1000 + (uint64_t)t->n && atoi(tls_text + 7) == t->n, "thread %d: TLS differs", t->n);
	CHECK(fx_fnv(tls_array, sizeof(tls_array), FX_FNV0) == t->sum, "thread %d: TLS array differs", t->n);
	syscall(SYS_get_robust_list, 0, &head, &len);
	CHECK(head == t->robust_head, "thread %d: robust list %p, was %p", t->n, head, t->robust_head);
	pthread_sigmask(SIG_SETMASK, NULL, &m);
	CHECK(!memcmp(&m, &t->mask, 8), "thread %d: signal mask %llx, was %llx", t->n, *(unsigned long long *)&m, *(unsigned long long *)&t->mask);
	sigaltstack(NULL, &ss);
	if (t->n)
		CHECK(ss.ss_sp == t->alt && ss.ss_size == 32768 && !ss.ss_flags, "thread %d: alternate stack %p %zu %d", t->n, ss.ss_sp, ss.ss_size, ss.ss_flags);
	else
		CHECK(ss.ss_flags == SS_DISABLE, "thread 0 has an alternate stack");
	CHECK(getpriority(PRIO_PROCESS, t->tid) == t->nice, "thread %d: nice %d, was %d", t->n, getpriority(PRIO_PROCESS, t->tid), t->nice);
	prctl(PR_GET_NAME, name);
	snprintf(want, sizeof(want), t->n ? "fx-thread-%d" : "fx-root", t->n);
	CHECK(!strcmp(name, want), "thread %d: name %s", t->n, name);
	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs);
	CHECK(gs == t->gs, "thread %d: gs base %lx, was %lx", t->n, gs, t->gs);
	verify_rseq(t);
}

static void *run(void *a)
{
	struct thread *t = a;
	struct hold *h = t->hold;

	switch (t->n) {
	case 5:
		memcpy(h->args, (uint64_t[]){ SYS_read, pipe_fd[0], (uintptr_t)&t->byte, 1, 11, 12, 13 }, sizeof(h->args));
		break;
	case 6:
		memcpy(h->args, (uint64_t[]){ SYS_futex, (uintptr_t)&futex_word, FUTEX_WAIT_PRIVATE, 0, 0, 12, 13 }, sizeof(h->args));
		break;
	case 7:
		t->ts.tv_sec = 1;
		memcpy(h->args, (uint64_t[]){ SYS_nanosleep, (uintptr_t)&t->ts, (uintptr_t)&t->ts, 3, 11, 12, 13 }, sizeof(h->args));
		break;
	case 8:
		t->pf = (struct pollfd){ .fd = poll_fd[0], .events = POLLIN };
		memcpy(h->args, (uint64_t[]){ SYS_poll, (uintptr_t)&t->pf, 1, -1, 11, 12, 13 }, sizeof(h->args));
		break;
	case 1:
		pthread_mutex_lock(&robust);
	}
	setup(t);
	hold_run(h);
	while (!fx_go()) /* the one whose sleep is over stays, too */
		usleep(5000);
	if (fx_broken("vectors"))
		h->vout[200] ^= 1;
	if (fx_broken("registers"))
		h->gout[12] ^= 1;
	verify(t);
	char who[16];
	snprintf(who, sizeof(who), "thread %d", t->n);
	hold_check(h, who);
	return (void *)(long)(11 * t->n);
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t at;
	struct timespec soon;
	struct fx_who who;
	void *rv;
	int i, r;

	fx_begin(argc, argv);
	nice_first = getpriority(PRIO_PROCESS, 0);
	MUST(!pipe2(pipe_fd, O_CLOEXEC) && !pipe2(poll_fd, O_CLOEXEC));
	pthread_mutexattr_init(&at);
	pthread_mutexattr_setrobust(&at, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &at);
	for (i = 0; i < N; i++) {
		T[i].n = i;
		if (!i)
			continue;
		T[i].hold = aligned_alloc(64, (sizeof(struct hold) + 63) & ~63);
		hold_init(T[i].hold, i);
		MUST(!pthread_create(&T[i].id, NULL, run, &T[i]));
	}
	setup(&T[0]);
	while (__atomic_load_n(&entered, __ATOMIC_SEQ_CST) < N)
		usleep(1000);
	fx_enter("root");
	fx_who_get(&who);
	fx_maps_save();
	fx_ready();

	fx_wait_go();
	fx_maps_check();
	fx_who_check(&who, 0);
	verify(&T[0]);
	for (i = 1; i <= 4; i++)
		T[i].hold->stop = 1;
	MUST(write(pipe_fd[1], "x", 1) == 1 && write(poll_fd[1], "y", 1) == 1);
	futex_word = 1;
	syscall(SYS_futex, &futex_word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
	for (i = 1; i < N; i++) {
		r = pthread_join(T[i].id, &rv);
		CHECK(!r && rv == (void *)(long)(11 * i), "join of thread %d: %d, value %p", i, r, rv);
	}
	CHECK(T[5].hold->ret == 1 && T[5].byte == 'x', "read: %lld", (long long)T[5].hold->ret);
	/* EAGAIN: the call was begun anew after the word had changed */
	CHECK(T[6].hold->ret == 0 || T[6].hold->ret == -EAGAIN, "futex wait: %lld", (long long)T[6].hold->ret);
	CHECK(T[7].hold->ret == 0, "nanosleep: %lld", (long long)T[7].hold->ret);
	CHECK(T[8].hold->ret == 1 && T[8].pf.revents == POLLIN, "poll: %lld", (long long)T[8].hold->ret);
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec++;
	r = pthread_mutex_timedlock(&robust, &soon);
	CHECK(r == EOWNERDEAD, "robust mutex of a dead thread: %d, not EOWNERDEAD", r);
	CHECK(!pthread_mutex_consistent(&robust) && !pthread_mutex_unlock(&robust), "robust mutex does not recover");
	r = pthread_create(&T[1].id, NULL, (void *(*)(void *))getppid, NULL);
	CHECK(!r && !pthread_join(T[1].id, NULL), "a new thread: %d", r);
	return fx_finish();
}
