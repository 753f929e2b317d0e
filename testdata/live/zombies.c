/*
 * zombies: every wait status there is, under two parents.
 *
 *   root    child subreaper, SIGCHLD handled and unblocked: a zombie of every
 *           exit code 0..255; zombies with other exit signals; an adopted one;
 *           a leader of a session and one of a group
 *   second  SIGCHLD blocked: a zombie of every deadly signal; for the signals
 *           that dump core one with the core flag (dumped for real into a
 *           directory of its own, removed) and one without
 *   third   ignores SIGCHLD, yet has zombies of before
 *
 * Nothing may tell of the restore: no SIGCHLD delivered or pending, no file.
 */
#include "fx.h"
#include <dirent.h>
#include <linux/sched.h>

struct zombie {
	pid_t pid, pgid, sid;
	int status, sig;
};
static struct zombie Z[400];
static int nz;
static volatile int chld;

static void on_chld(int s) { chld++; }

/* waitid's answer in the form of wait(2) */
static int status_of(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED ? si->si_status << 8 : si->si_code == CLD_DUMPED ? si->si_status | 0x80 : si->si_status;
}

/* how waitid(WNOWAIT) sees the child */
static int peek(pid_t p, siginfo_t *si, int flags)
{
	memset(si, 0, sizeof(*si));
	return waitid(P_PID, p, si, WEXITED | WNOWAIT | __WALL | flags);
}

static void note(pid_t p, int sig, int want)
{
	struct zombie *z = &Z[nz++];
	siginfo_t si;
	int r;

	do
		r = peek(p, &si, 0);
	while (r && errno == EINTR);
	MUST(!r && si.si_pid == p);
	*z = (struct zombie){ p, getpgid(p), getsid(p), status_of(&si), sig };
	if (want >= 0 && z->status != want) {
		dprintf(2, "zombie made with status %#x, not %#x\n", z->status, want);
		_exit(99);
	}
}

static pid_t with_exit_signal(int sig)
{
	struct clone_args a = { .exit_signal = sig };
	pid_t p = syscall(SYS_clone3, &a, sizeof(a));

	MUST(p >= 0);
	return p;
}

static void dead_by_code(int code, int exit_signal)
{
	pid_t p = with_exit_signal(exit_signal);

	if (!p)
		_exit(code);
	note(p, exit_signal, code << 8);
}

static const char *cores;
static void dead_by_signal(int sig, int core)
{
	struct rlimit rl = { 0, 0 };
	char path[220];
	pid_t p = fork();

	MUST(p >= 0);
	if (!p) {
		struct { void *h; unsigned long fl; void *r; uint64_t m; } dfl = { 0 };
		uint64_t none = 0;

		syscall(SYS_rt_sigaction, sig, &dfl, NULL, 8);
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
		getrlimit(RLIMIT_CORE, &rl);
		rl.rlim_cur = core ? rl.rlim_max : 0;
		setrlimit(RLIMIT_CORE, &rl);
		if (core && chdir(cores))
			_exit(98);
		syscall(SYS_kill, getpid(), sig);
		_exit(97);
	}
	note(p, SIGCHLD, sig | (core ? 0x80 : 0));
	snprintf(path, sizeof(path), "%s/core", cores);
	if (core)
		MUST(!unlink(path));
}

static int fatal(int s)
{
	return s != SIGCHLD && s != SIGCONT && s != SIGURG && s != SIGWINCH && !(s >= SIGSTOP && s <= SIGTTOU);
}

static int dumps(int s)
{
	static const int v[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV, SIGSYS, SIGXCPU, SIGXFSZ };

	for (unsigned i = 0; i < sizeof(v) / sizeof(*v); i++)
		if (v[i] == s)
			return 1;
	return 0;
}

/* number of entries of a directory */
static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	MUST(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int pending(void)
{
	sigset_t s;

	sigpending(&s);
	for (int i = 1; i < 65; i++)
		if (sigismember(&s, i) == 1)
			return i;
	return 0;
}

static void check_one(struct zombie *z)
{
	siginfo_t si;
	int st = -1;
	pid_t r;

	CHECK(getpgid(z->pid) == z->pgid && getsid(z->pid) == z->sid, "zombie %d: group %d session %d, was %d %d", z->pid,
	      getpgid(z->pid), getsid(z->pid), z->pgid, z->sid);
	CHECK(!peek(z->pid, &si, WNOHANG) && si.si_pid == z->pid && status_of(&si) == z->status,
	      "zombie %d: waitid sees pid %d, status %#x, was %#x", z->pid, si.si_pid, status_of(&si), z->status);
	if (z->sig != SIGCHLD)
		CHECK(waitpid(z->pid, &st, WNOHANG) == -1 && errno == ECHILD, "zombie %d with exit signal %d answers a plain wait", z->pid, z->sig);
	r = waitpid(z->pid, &st, WNOHANG | (z->sig == SIGCHLD ? 0 : __WCLONE));
	CHECK(r == z->pid && st == z->status, "zombie %d: wait = %d (errno %d), status %#x, was %#x", z->pid, r, r < 0 ? errno : 0, st, z->status);
}

static void check_all(void)
{
	siginfo_t si;

	if (fx_broken("status"))
		Z[nz / 2].status ^= 0x80;
	if (fx_broken("reaped"))
		waitpid(Z[nz / 2].pid, NULL, __WALL);
	if (fx_broken("extra") && !fork())
		_exit(0);
	for (int i = 0; i < nz; i++)
		check_one(&Z[i]);
	errno = 0;
	CHECK(waitid(P_ALL, 0, &si, WEXITED | WNOHANG | __WALL) == -1 && errno == ECHILD, "there are more children than there were");
}

/* Children die only when root has looked: their SIGCHLD would disturb it. */
static void until_root_looked(void)
{
	char path[220];

	snprintf(path, sizeof(path), "%s/looked", fx_dir);
	while (access(path, F_OK))
		usleep(2000);
}

static void second(void)
{
	sigset_t m, none = { 0 };
	struct timespec zero = { 0 };
	char dir[220];

	sigemptyset(&m);
	sigaddset(&m, SIGCHLD);
	sigprocmask(SIG_BLOCK, &m, NULL);
	snprintf(dir, sizeof(dir), "%s/cores", fx_dir);
	cores = dir;
	MUST(!mkdir(dir, 0777));
	for (int s = 1; s < 65; s++) {
		if (!fatal(s))
			continue;
		dead_by_signal(s, 0);
		if (dumps(s))
			dead_by_signal(s, 1);
	}
	while (sigtimedwait(&m, NULL, &zero) > 0)
		;
	MUST(!pending());
	fx_enter("second");
	fx_wait_go();
	if (fx_broken("pending"))
		raise(SIGCHLD);
	if (fx_broken("core"))
		close(open("/proc/self/cwd/cores/core", O_CREAT | O_WRONLY, 0600)), mkdir(strcat(dir, "/x"), 0777), dir[strlen(dir) - 2] = 0;
	CHECK(!pending(), "signal %d is pending", pending());
	CHECK(entries(dir) == 2, "%d core files appeared", entries(dir) - 2);
	check_all();
	CHECK(!pending() && !sigpending(&none), "signal %d is pending after the waits", pending());
	until_root_looked();
	fx_leave();
}

static void third(void)
{
	dead_by_code(3, SIGCHLD);
	cores = fx_dir;
	dead_by_signal(SIGKILL, 0);
	signal(SIGCHLD, SIG_IGN);
	fx_enter("third");
	fx_wait_go();
	CHECK(signal(SIGCHLD, SIG_IGN) == SIG_IGN, "SIGCHLD is no longer ignored");
	check_all();
	until_root_looked();
	fx_leave();
}

static void root_zombies(void)
{
	pid_t p, q;
	int fd[2];

	for (int code = 0; code < 256; code++)
		dead_by_code(code, SIGCHLD);
	dead_by_code(7, 0);
	dead_by_code(8, SIGUSR2);
	dead_by_code(9, SIGRTMIN + 3);
	if (!(p = fork()))
		_exit(setsid() > 0 ? 5 : 6);
	note(p, SIGCHLD, 5 << 8);
	if (!(p = fork()))
		_exit(setpgid(0, 0) ? 6 : 4);
	note(p, SIGCHLD, 4 << 8);
	MUST(!pipe(fd));
	if (!(p = fork())) { /* dies as a zombie's parent: root inherits it */
		if (!(q = fork()))
			_exit(77);
		MUST(write(fd[1], &q, sizeof(q)) == sizeof(q));
		siginfo_t si;
		MUST(!peek(q, &si, 0));
		_exit(0);
	}
	MUST(read(fd[0], &q, sizeof(q)) == sizeof(q));
	while (waitpid(p, NULL, 0) < 0 && errno == EINTR)
		;
	close(fd[0]);
	close(fd[1]);
	note(q, SIGCHLD, 77 << 8);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_chld, .sa_flags = SA_RESTART };
	struct fx_who who;
	pid_t b, c;
	int files, before;

	fx_begin(argc, argv);
	MUST(!chdir(fx_dir) && !prctl(PR_SET_CHILD_SUBREAPER, 1));
	signal(SIGUSR2, SIG_IGN);
	signal(SIGRTMIN + 3, SIG_IGN);
	if (!(b = fork()))
		fx_name("second"), second();
	if (!(c = fork()))
		fx_name("third"), third();
	sigaction(SIGCHLD, &sa, NULL);
	root_zombies();
	fx_enter("root");
	fx_await_roles(3);
	fx_who_get(&who);
	fx_msleep(50);
	before = chld;
	files = entries(fx_dir) + 1; /* ready */
	fx_ready();

	fx_wait_go();
	if (fx_broken("delivered"))
		raise(SIGCHLD);
	if (fx_broken("file"))
		close(open("core.1", O_CREAT | O_WRONLY, 0600));
	CHECK(chld == before, "%d SIGCHLD were delivered", chld - before);
	CHECK(!pending(), "signal %d is pending", pending());
	fx_who_check(&who, 0);
	/* go is new, and perhaps result */
	int now = entries(fx_dir) - 1 - !access(fx_path_result, F_OK);
	CHECK(now == files, "%d files appeared", now - files);
	signal(SIGCHLD, SIG_DFL);
	MUST(!close(open("looked", O_CREAT | O_WRONLY, 0600)));
	fx_join(b, "second");
	fx_join(c, "third");
	check_all();
	return fx_finish();
}
