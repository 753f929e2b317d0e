/*
 * tree: 12 processes, four sessions.
 *
 *   root               session 1, child subreaper
 *   |- a               group of its own, nice 3, umask 027, cwd of its own
 *   |  |- a1           in a's group
 *   |  `- a2           a group leader; its member is b1's cousin b2
 *   |- b               session 2
 *   |  |- b1           in b's group
 *   |  `- b2           in a group of its own
 *   |     `- b3        session 3
 *   |- stop1           stopped by SIGSTOP, reported; SIGUSR1 pending, handled
 *   |- stop2           stopped by SIGTSTP, not yet reported; in a group of its own
 *   |- orphan          session 4; its parent is gone, it hangs at root
 *   `- c               in a's group, though not a's child
 *
 * root's wait for a stopped child must find nothing for stop1 and exactly one
 * stop for stop2.
 */
#include "fx.h"

static volatile int got_usr1;

static void on_usr1(int s) { got_usr1 = s; }

struct attr {
	struct fx_who who;
	mode_t mask;
	int nice;
	char cwd[200];
};

static void attr_get(struct attr *a)
{
	fx_who_get(&a->who);
	a->mask = umask(0);
	umask(a->mask);
	a->nice = getpriority(PRIO_PROCESS, 0);
	if (!getcwd(a->cwd, sizeof(a->cwd)))
		a->cwd[0] = 0;
}

static void attr_check(struct attr *a, int parent)
{
	struct attr n;

	if (fx_broken("umask"))
		umask(a->mask ^ 1);
	if (fx_broken("cwd"))
		MUST(!chdir("/proc"));
	if (fx_broken("group"))
		setpgid(0, 0);
	fx_who_check(&a->who, parent);
	attr_get(&n);
	CHECK(n.mask == a->mask, "umask %#o, was %#o", n.mask, a->mask);
	CHECK(n.nice == a->nice, "nice %d, was %d", n.nice, a->nice);
	CHECK(!strcmp(n.cwd, a->cwd), "cwd %s, was %s", n.cwd, a->cwd);
}

typedef void body(void);
static struct attr mine;
static int expect_usr1;

/* Fork a process; it runs setup, which may fork more, waits and verifies. */
static pid_t grow(const char *role, body *setup, body *after)
{
	pid_t p = fork();

	MUST(p >= 0);
	if (p)
		return p;
	fx_name(role);
	setup();
	fx_enter(role);
	attr_get(&mine);
	if (expect_usr1)
		raise(expect_usr1); /* stopped from here on */
	if (expect_usr1 == SIGSTOP && fx_broken("reported-stop"))
		raise(SIGSTOP);
	fx_wait_go();
	attr_check(&mine, 1);
	if (after)
		after();
	fx_leave();
	return 0;
}

static void nothing(void) {}
static void own_group(void) { MUST(!setpgid(0, 0)); }
static void own_session(void) { MUST(setsid() > 0); }

static pid_t a1, a2, b1, b2, b3;
static void set_a(void)
{
	char d[220];

	own_group();
	setpriority(PRIO_PROCESS, 0, 3);
	umask(027);
	snprintf(d, sizeof(d), "%s/dir", fx_dir);
	MUST(!mkdir(d, 0755) && !chdir(d));
	a1 = grow("a1", nothing, NULL);
	a2 = grow("a2", own_group, NULL);
}
static void join_a(void) { fx_join(a1, "a1"); fx_join(a2, "a2"); }
static void join_b2(void) { fx_join(b3, "b3"); }
static void set_b2(void) { own_group(); b3 = grow("b3", own_session, NULL); fx_await_roles(1); }
static void set_b(void)
{
	own_session();
	b1 = grow("b1", nothing, NULL);
	b2 = grow("b2", set_b2, join_b2);
}
static void join_b(void) { fx_join(b1, "b1"); fx_join(b2, "b2"); }
static void set_stop1(void)
{
	signal(SIGUSR1, on_usr1);
	expect_usr1 = SIGSTOP;
}
static void set_stop2(void) /* SIGTSTP does nothing in an orphaned group */
{
	own_group();
	expect_usr1 = SIGTSTP;
	signal(SIGTSTP, SIG_DFL);
}
static void saw_usr1(void) { CHECK(got_usr1 == SIGUSR1, "SIGUSR1 that was pending while stopped is lost"); }

static pid_t a_group;
static void set_c(void) { while (setpgid(0, a_group)) usleep(500); }

static void until_stopped(pid_t p, int consume)
{
	siginfo_t si = { 0 };

	MUST(!waitid(P_PID, p, &si, WSTOPPED | (consume ? 0 : WNOWAIT)) && si.si_pid == p && si.si_code == CLD_STOPPED);
}

static void check_stops(pid_t stop1, pid_t stop2)
{
	siginfo_t si = { 0 };

	if (fx_broken("reported-stop"))
		kill(stop1, SIGCONT), until_stopped(stop1, 0);
	CHECK(!waitid(P_PID, stop1, &si, WSTOPPED | WNOHANG) && !si.si_pid, "the stop of stop1 is reported a second time");
	if (fx_broken("unreported-stop"))
		waitid(P_PID, stop2, &si, WSTOPPED | WNOHANG);
	memset(&si, 0, sizeof(si));
	CHECK(!waitid(P_PID, stop2, &si, WSTOPPED | WNOHANG) && si.si_pid == stop2 && si.si_status == SIGTSTP,
	      "the stop of stop2 is not reported: pid %d, status %d", si.si_pid, si.si_status);
	memset(&si, 0, sizeof(si));
	CHECK(!waitid(P_PID, stop2, &si, WSTOPPED | WNOHANG) && !si.si_pid, "the stop of stop2 is reported twice");
	CHECK(!waitid(P_ALL, 0, &si, WCONTINUED | WNOHANG) && !si.si_pid, "a child is said to have continued");
	kill(stop1, SIGCONT);
	kill(stop2, SIGCONT);
}

int main(int argc, char **argv)
{
	pid_t a, b, c, stop1, stop2, orphan, middle;
	siginfo_t si;
	int fd[2];

	fx_begin(argc, argv);
	MUST(!prctl(PR_SET_CHILD_SUBREAPER, 1) && !pipe(fd));
	a_group = a = grow("a", set_a, join_a);
	b = grow("b", set_b, join_b);
	c = grow("c", set_c, NULL);
	stop1 = grow("stop1", set_stop1, saw_usr1);
	stop2 = grow("stop2", set_stop2, NULL);
	if (!(middle = fork())) {
		pid_t me = getpid();
		if (!(orphan = fork())) {
			while (getppid() == me)
				usleep(500);
			own_session();
			fx_enter("orphan");
			attr_get(&mine);
			fx_wait_go();
			attr_check(&mine, 1);
			fx_leave();
		}
		MUST(write(fd[1], &orphan, sizeof(orphan)) == sizeof(orphan));
		_exit(0);
	}
	MUST(waitpid(middle, NULL, 0) == middle && read(fd[0], &orphan, sizeof(orphan)) == sizeof(orphan));
	close(fd[0]);
	close(fd[1]);
	until_stopped(stop1, 1);
	kill(stop1, SIGUSR1);
	until_stopped(stop2, 0);
	fx_enter("root");
	fx_await_roles(12);
	attr_get(&mine);
	fx_ready();

	fx_wait_go();
	attr_check(&mine, 0);
	check_stops(stop1, stop2);
	fx_join(a, "a");
	fx_join(b, "b");
	fx_join(c, "c");
	fx_join(stop1, "stop1");
	fx_join(stop2, "stop2");
	fx_join(orphan, "orphan");
	CHECK(waitid(P_ALL, 0, &si, WEXITED | WNOHANG | __WALL) == -1 && errno == ECHILD, "there are more children than there were");
	return fx_finish();
}
