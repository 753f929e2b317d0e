/*
 * deadleader: processes whose first thread has exited while others live on.
 *
 *   root      (ARG "root": its own leader is dead, too)
 *   |- threads   leader: exit(37); three threads end with exit(2), code 5: status 5
 *   `- group     leader: exit(255); a thread ends the process with exit_group(201)
 *
 * The dead leader is shown as a zombie that cannot be waited for; its own exit
 * code is the last field of its /proc/.../stat.
 */
#include "fx.h"
#include <pthread.h>

static int group_exit;
static volatile int up, arrived, done;

struct me {
	struct fx_who who;
	uint64_t seed;
	int n;
};
static struct me M[3];
static __thread uint64_t tls[32];

static char state_of(pid_t p)
{
	char path[64], b[512], *q;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", p);
	if (fx_slurp(path, b, sizeof(b)) < 0 || !(q = strrchr(b, ')')))
		return '?';
	return q[2];
}

/* the exit code of the dead leader, as a wait status */
static int leader_code(void)
{
	char path[64], b[512], *q;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	if (fx_slurp(path, b, sizeof(b)) < 0 || !(q = strrchr(b, ' ')))
		return -1;
	return atoi(q);
}

static void leave_thread(int code)
{
	syscall(SYS_exit, code);
}

static void *thread(void *a)
{
	struct me *m = a;
	int all;

	m->seed = 5 + m->n;
	fx_fill(tls, sizeof(tls), m->seed);
	while (state_of(getpid()) != 'Z')
		usleep(500);
	fx_who_get(&m->who);
	int code = fx_broken("leader-code") ? 0 : leader_code();
	uint64_t h = fx_fnv(tls, sizeof(tls), FX_FNV0);
	if (__atomic_add_fetch(&up, 1, __ATOMIC_SEQ_CST) == 3)
		fx_enter(fx_role), fx_who_get(&m->who);
	fx_wait_go();
	if (fx_broken("tls"))
		tls[0]++;
	fx_who_check(&m->who, 1);
	CHECK(fx_fnv(tls, sizeof(tls), FX_FNV0) == h, "thread %d: TLS differs", m->n);
	CHECK(state_of(getpid()) == 'Z', "the leader is %c, not a zombie", state_of(getpid()));
	CHECK(leader_code() == code, "the dead leader's exit code is %#x, was %#x", leader_code(), code);
	all = __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == 3;
	if (all && !fx_fails)
		fx_append(fx_path_result, "ok %s", fx_role);
	if (all)
		done = 1;
	if (!group_exit)
		leave_thread(fx_broken("status") ? 0 : 5);
	while (!done)
		usleep(500);
	syscall(SYS_exit_group, fx_broken("status") ? 0 : 201);
	return NULL;
}

static pid_t spawn(const char *role, int group, int code)
{
	pthread_attr_t at;
	pthread_t t;
	pid_t p = fork();

	MUST(p >= 0);
	if (p)
		return p;
	fx_name(role);
	group_exit = group;
	pthread_attr_init(&at);
	pthread_attr_setdetachstate(&at, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 3; i++) {
		M[i].n = i;
		MUST(!pthread_create(&t, &at, thread, &M[i]));
	}
	leave_thread(code);
	return 0;
}

static void *root(void *a)
{
	struct fx_who who;
	siginfo_t si = { 0 };
	int dead = a != NULL, st;
	pid_t p, q;

	while (dead && state_of(getpid()) != 'Z')
		usleep(500);
	p = spawn("threads", 0, 37);
	q = spawn("group", 1, 255);
	fx_await_roles(2);
	fx_enter("root");
	fx_who_get(&who);
	fx_ready();
	fx_wait_go();
	if (fx_broken("name"))
		prctl(PR_SET_NAME, "wrong");
	fx_who_check(&who, 0);
	CHECK(!dead || state_of(getpid()) == 'Z', "root's leader is %c, not a zombie", state_of(getpid()));
	CHECK(waitpid(p, &st, 0) == p && st == 5 << 8, "status of threads is %#x, not 5", st);
	CHECK(waitpid(q, &st, 0) == q && st == 201 << 8, "status of group is %#x, not 201", st);
	CHECK(waitid(P_ALL, 0, &si, WEXITED | WNOHANG | __WALL) == -1 && errno == ECHILD, "there are more children than there were");
	exit(fx_finish());
}

int main(int argc, char **argv)
{
	pthread_t t;

	fx_begin(argc, argv);
	if (argc < 3)
		root(NULL);
	MUST(!pthread_create(&t, NULL, root, (void *)1L));
	leave_thread(61);
	return 0;
}
