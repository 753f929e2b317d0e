/*
 * handler: captured inside signal handlers: one asleep on its alternate stack,
 * one nested in another, one that spins, one on an alternate stack that disarms
 * itself. They return to where they came from, with registers and masks of then.
 */
#include "fx.h"
#include <pthread.h>
#include <setjmp.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
static int inside;
static __thread volatile int depth, returned;
static __thread char *alt;

static int on_alt(void *p) { return (char *)p >= alt && (char *)p < alt + 65536; }

static void sleeper(int s, siginfo_t *si, void *u)
{
	char here;
	int d = ++depth;

	if (s == SIGUSR1 && si->si_value.sival_int == 2) { /* nested */
		raise(SIGUSR2);
		CHECK(depth == 1, "depth %d after the nested handler", depth);
	} else {
		__atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST);
		fx_wait_go();
	}
	CHECK(depth == d && on_alt(&here), "in the handler of %d: depth %d, was %d", s, depth, d);
	if (fx_broken("depth"))
		depth++;
	depth--;
	returned++;
}

static void spinner(int s)
{
	volatile uint64_t n = 0;

	__atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST);
	while (!fx_go())
		for (int i = 0; i < 100000; i++)
			n++;
	returned++;
}

static void *thread(void *a)
{
	int n = (int)(intptr_t)a;
	stack_t ss = { .ss_size = 65536, .ss_flags = n == 3 ? SS_AUTODISARM : 0 }, now;
	double f[8];
	sigset_t before, after;
	siginfo_t si = { .si_code = SI_QUEUE };

	alt = ss.ss_sp = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(!sigaltstack(&ss, NULL));
	for (int i = 0; i < 8; i++)
		f[i] = i * 1.5 + n;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	si.si_value.sival_int = n;
	MUST(!syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), n == 4 ? SIGALRM : SIGUSR1, &si));
	if (fx_broken("mask"))
		pthread_sigmask(SIG_BLOCK, &(sigset_t){ { 1 } }, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	CHECK(!memcmp(&before, &after, 8), "thread %d: mask after the handler", n);
	CHECK(depth == 0 && returned == (n == 2 ? 2 : 1), "thread %d: depth %d, %d returns", n, depth, returned);
	for (int i = 0; i < 8; i++)
		CHECK(f[i] == i * 1.5 + n, "thread %d: floating point value %d", n, i);
	CHECK(!sigaltstack(NULL, &now) && now.ss_sp == alt && now.ss_size == 65536 && now.ss_flags == ss.ss_flags, "thread %d: alternate stack %p %#x after the handler",
	      n, now.ss_sp, now.ss_flags);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = sleeper, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	pthread_t t[5];

	fx_begin(argc, argv);
	sigaddset(&sa.sa_mask, SIGTERM);
	MUST(!sigaction(SIGUSR1, &sa, NULL) && !sigaction(SIGUSR2, &sa, NULL));
	sa.sa_handler = spinner;
	sa.sa_flags = 0;
	MUST(!sigaction(SIGALRM, &sa, NULL));
	for (int i = 1; i < 5; i++)
		MUST(!pthread_create(&t[i], NULL, thread, (void *)(intptr_t)i));
	while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST) < 4)
		usleep(500);
	fx_enter("root");
	fx_ready();
	fx_wait_go();
	for (int i = 1; i < 5; i++)
		pthread_join(t[i], NULL);
	return fx_finish();
}
