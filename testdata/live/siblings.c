/*
 * siblings: processes that are no threads of one group, yet share memory,
 * descriptors, working directory or handlers (clone(2) flags).
 *
 *   vm      CLONE_VM, own files          files    CLONE_FILES, own memory
 *   fs      CLONE_FS                     both     CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND
 *   parent  CLONE_PARENT: a sibling made by a child that lives on
 */
#include "fx.h"

static int go_on[2]; /* descriptors */
static volatile int word, looked[8];
static volatile int handled;
static void on_usr1(int s) { handled++; }

struct kid {
	const char *role;
	int flags, n, tid;
	char *stack;
};

/* Roles and verdicts of those that share memory: fx_role is common to them. */
static int body(void *a)
{
	struct kid *k = a;
	struct fx_who was, is;
	char path[220], b;
	int shares_vm = k->flags & CLONE_VM, bad = 0, fd;

	fx_who_get(&was);
	fx_append(fx_path_roles, "%s", k->role);
	while (!fx_go())
		usleep(3000);
	fx_who_get(&is);
	bad |= memcmp(&is, &was, sizeof(is)) ? 1 : 0;
	/* root now changes word, opens a descriptor 200, changes directory, sets a handler */
	snprintf(path, sizeof(path), "%s/changed", fx_dir);
	while (access(path, F_OK))
		usleep(2000);
	bad |= (word == 1234) != !!shares_vm ? 2 : 0;
	fd = fcntl(200, F_GETFD) >= 0;
	bad |= fd != !!(k->flags & CLONE_FILES) ? 4 : 0;
	MUST(getcwd(path, sizeof(path)));
	bad |= !strcmp(path, "/proc") != !!(k->flags & CLONE_FS) ? 8 : 0;
	bad |= (signal(SIGUSR1, on_usr1) == on_usr1) != !!(k->flags & CLONE_SIGHAND) ? 16 : 0;
	bad |= pread(go_on[0], &b, 1, 0) != -1 ? 32 : 0;
	if (bad)
		fx_append(fx_path_result, "FAIL %s: differences %#x (1 ids, 2 memory, 4 files, 8 fs, 16 handlers)", k->role, bad);
	else
		fx_append(fx_path_result, "ok %s", k->role);
	_exit(bad ? 1 : 0);
}

static struct kid K[] = { { "vm", CLONE_VM, 0 }, { "files", CLONE_FILES, 1 }, { "fs", CLONE_FS, 2 },
			  { "both", CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND, 3 }, { "none", 0, 4 } };
#define NK 5

int main(int argc, char **argv)
{
	struct fx_who who;
	char path[220];
	pid_t p[NK], q, r;
	int pp[2];

	fx_begin(argc, argv);
	MUST(!pipe2(go_on, O_CLOEXEC) && !pipe2(pp, O_CLOEXEC) && !chdir("/"));
	for (int i = 0; i < NK; i++) {
		K[i].stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		MUST((p[i] = clone(body, K[i].stack + 65536, K[i].flags | SIGCHLD, &K[i])) > 0);
	}
	if (!(q = fork())) {
		r = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
		if (!r) {
			fx_enter("parent");
			fx_who_get(&who);
			fx_wait_go();
			fx_who_check(&who, 1);
			fx_leave();
		}
		MUST(write(pp[1], &r, sizeof(r)) == sizeof(r));
		fx_enter("maker");
		fx_who_get(&who);
		fx_wait_go();
		fx_who_check(&who, 1);
		fx_leave();
	}
	MUST(read(pp[0], &r, sizeof(r)) == sizeof(r));
	fx_await_roles(NK + 2);
	fx_enter("root");
	fx_who_get(&who);
	fx_ready();
	fx_wait_go();
	fx_who_check(&who, 0);
	word = fx_broken("memory") ? 0 : 1234;
	if (!fx_broken("files"))
		MUST(dup2(pp[0], 200) == 200);
	MUST(fx_broken("fs") || !chdir("/proc"));
	if (!fx_broken("handlers"))
		signal(SIGUSR1, on_usr1);
	snprintf(path, sizeof(path), "%s/changed", fx_dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	for (int i = 0; i < NK; i++)
		fx_join(p[i], K[i].role);
	fx_join(q, "maker");
	fx_join(r, "parent");
	return fx_finish();
}
