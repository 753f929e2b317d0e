/*
 * scale: a great many of one thing. ARG is
 *   procs N     N processes in a three-level tree
 *   threads N   N threads, each with its own TLS
 *   zombies N   N zombies with different statuses
 *   mem N       N MiB of memory that differs from page to page
 *   tiny        nothing
 */
#include "fx.h"
#include <pthread.h>

static int n;

/* the processes say "ok" by their exit status: a line each would be slow */
static void leaf(int up)
{
	struct fx_who who;

	fx_name("leaf");
	fx_who_get(&who);
	close(up);
	while (!fx_go())
		usleep(100000);
	fx_who_check(&who, 1);
	_exit(fx_fails ? 1 : 0);
}

static void procs(void)
{
	int per = 50, i, j, left, st, good;
	pid_t mid[1000], kid[50];
	int m = 0;

	for (left = n; left > 0; left -= per) {
		int mine = left < per ? left : per;

		MUST((mid[m] = fork()) >= 0);
		if (!mid[m]) {
			struct fx_who who;
			int up[2];
			char none;

			if (m % 3 == 1)
				setsid();
			else if (m % 3 == 2)
				setpgid(0, 0);
			fx_name("mid");
			fx_who_get(&who);
			MUST(!pipe(up));
			for (j = 0; j < mine - 1; j++) {
				MUST((kid[j] = fork()) >= 0);
				if (!kid[j])
					close(up[0]), leaf(up[1]);
			}
			MUST(!close(up[1]) && !read(up[0], &none, 1) && !close(up[0])); /* all leaves have what they are to keep */
			fx_append(fx_path_roles, "mid%d", m);
			while (!fx_go())
				usleep(50000);
			if (fx_broken("procs") && m == 0)
				raise(SIGKILL);
			fx_who_check(&who, 1);
			for (good = j = 0; j < mine - 1; j++)
				good += waitpid(kid[j], &st, 0) == kid[j] && st == 0;
			CHECK(good == mine - 1, "%d of %d children are well", good, mine - 1);
			if (!fx_fails)
				fx_append(fx_path_result, "ok mid%d", m);
			_exit(fx_fails ? 1 : 0);
		}
		m++;
	}
	fx_await_roles(m);
	fx_enter("root");
	fx_ready();
	fx_wait_go();
	for (i = 0; i < m; i++)
		fx_join(mid[i], "mid");
}

static __thread uint64_t tls;
static int up, good, stop;

static void *thread(void *a)
{
	uint64_t me = (uintptr_t)a;
	pid_t tid = syscall(SYS_gettid);

	tls = me * 7919;
	__atomic_fetch_add(&up, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
		usleep(100000);
	if (fx_broken("threads") && me == 0)
		tls++;
	if (tls == me * 7919 && tid == syscall(SYS_gettid))
		__atomic_fetch_add(&good, 1, __ATOMIC_SEQ_CST);
	return a;
}

static void threads(void)
{
	pthread_t *t = calloc(n, sizeof(*t));
	pthread_attr_t at;
	void *rv;
	int i, r;

	pthread_attr_init(&at);
	pthread_attr_setstacksize(&at, 65536);
	for (i = 0; i < n; i++)
		MUST(!pthread_create(&t[i], &at, thread, (void *)(uintptr_t)i));
	while (__atomic_load_n(&up, __ATOMIC_SEQ_CST) < n)
		usleep(1000);
	fx_enter("root");
	fx_ready();
	fx_wait_go();
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < n; i++) {
		r = pthread_join(t[i], &rv);
		CHECK(!r && rv == (void *)(uintptr_t)i, "join of thread %d: %d", i, r);
	}
	CHECK(good == n, "%d of %d threads are well", good, n);
}

static void zombies(void)
{
	pid_t *p = calloc(n, sizeof(*p));
	int i, st, wrong = 0;
	siginfo_t si;

	for (i = 0; i < n; i++) {
		MUST((p[i] = fork()) >= 0);
		if (!p[i]) {
			if (i % 3 == 1)
				raise(SIGKILL);
			if (i % 3 == 2)
				raise(SIGTERM);
			_exit(i % 256);
		}
	}
	for (i = 0; i < n; i++)
		MUST(!waitid(P_PID, p[i], &si, WEXITED | WNOWAIT));
	fx_enter("root");
	fx_ready();
	fx_wait_go();
	if (fx_broken("zombies"))
		waitpid(p[0], &st, 0);
	for (i = 0; i < n; i++)
		wrong += waitpid(p[i], &st, WNOHANG) != p[i] || st != (i % 3 == 1 ? SIGKILL : i % 3 == 2 ? SIGTERM : (i % 256) << 8);
	CHECK(!wrong, "%d of %d zombies are wrong", wrong, n);
}

static void mem(void)
{
	size_t len = (size_t)n << 20, i;
	uint64_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), bad = 0;

	MUST(p != MAP_FAILED);
	for (i = 0; i < len / 8; i += 8)
		p[i] = i * 0x9e3779b97f4a7c15ULL + 1;
	fx_enter("root");
	fx_ready();
	fx_wait_go();
	if (fx_broken("mem"))
		p[len / 16 & ~7UL]++;
	for (i = 0; i < len / 8; i += 8)
		bad += p[i] != i * 0x9e3779b97f4a7c15ULL + 1;
	CHECK(!bad, "%llu words are wrong", (unsigned long long)bad);
}

/* every second page */
static void sparse(void)
{
	size_t len = (size_t)n << 20, page = 4096, bad = 0, i;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED && !madvise(p, len, MADV_NOHUGEPAGE));
	for (i = 0; i < len; i += 2 * page)
		p[i] = 1;
	fx_enter("root");
	fx_ready();
	fx_wait_go();
	if (fx_broken("sparse"))
		p[len / 2] = 2;
	for (i = 0; i < len; i += page)
		bad += p[i] != (i / page % 2 == 0);
	CHECK(!bad, "%zu pages are wrong", bad);
}

static void tiny(void)
{
	fx_enter("root");
	fx_ready();
	fx_wait_go();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} k[] = { { "procs", procs }, { "threads", threads }, { "zombies", zombies }, { "mem", mem }, { "sparse", sparse }, { "tiny", tiny } };
	unsigned i;

	fx_begin(argc, argv);
	MUST(argc > 2);
	n = argc > 3 ? atoi(argv[3]) : 0;
	for (i = 0; i < 6 && strcmp(k[i].name, argv[2]);)
		i++;
	MUST(i < 6);
	k[i].fn();
	return fx_finish();
}
