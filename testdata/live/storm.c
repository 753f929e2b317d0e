/*
 * storm: a tree that never holds still. Two processes fork children that fork
 * again and end; two threads start threads; all while it is captured. What was
 * begun is finished: every child's status is seen, every thread joined.
 */
#include "fx.h"
#include <pthread.h>

static void forker(const char *role)
{
	struct fx_who who;
	unsigned n = 0;
	int st;

	fx_enter(role);
	fx_who_get(&who);
	while (!fx_go() || n < 15) {
		pid_t p = fork(), q;

		MUST(p >= 0);
		if (!p) {
			if (!(q = fork()))
				_exit(n % 200);
			_exit(waitpid(q, &st, 0) == q && WIFEXITED(st) && (unsigned)WEXITSTATUS(st) == n % 200 ? n % 100 : 255);
		}
		CHECK(waitpid(p, &st, 0) == p && WIFEXITED(st) && (unsigned)WEXITSTATUS(st) == n % 100, "child %u: status %#x", n, st);
		n++;
	}
	if (fx_broken("forks"))
		n = 0;
	CHECK(n > 10, "only %u children", n);
	fx_who_check(&who, 1);
	fx_leave();
}

static void *leaf(void *a) { return (char *)a + 1; }

static unsigned long joined[2];
static void *spawner(void *a)
{
	unsigned long *n = a;
	pthread_t t;
	void *rv;
	int r;

	while (!fx_go() || *n < 15) {
		r = pthread_create(&t, NULL, leaf, (void *)*n);
		CHECK(!r, "pthread_create: %d", r);
		if (!r)
			CHECK(!pthread_join(t, &rv) && rv == (void *)(*n + 1), "thread %lu returned %p", *n, rv);
		++*n;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[2];
	pid_t p, q;

	fx_begin(argc, argv);
	if (!(p = fork()))
		forker("forker1");
	if (!(q = fork()))
		forker("forker2");
	for (int i = 0; i < 2; i++)
		MUST(!pthread_create(&t[i], NULL, spawner, &joined[i]));
	fx_await_roles(2);
	fx_enter("root");
	fx_ready();
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	if (fx_broken("threads"))
		joined[1] = 0;
	CHECK(joined[0] > 10 && joined[1] > 10, "only %lu and %lu threads", joined[0], joined[1]);
	fx_join(p, "forker1");
	fx_join(q, "forker2");
	return fx_finish();
}
