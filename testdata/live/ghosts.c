/*
 * ghosts: sessions and groups whose leaders are gone, and nested ones.
 *
 *   root     subreaper
 *   |- s1    in a session whose leader is dead and reaped, in its group
 *   |- s2    in the same session, in a group whose leader is dead, too
 *   |- s3    in the same session, leader of a group of its own
 *   |- g1    in root's session, in a group whose leader is dead
 *   |- g2    the same group, another parent before
 *   `- z     zombie in the dead session
 */
#include "fx.h"

static int pp[2];

static void stay(const char *role)
{
	struct fx_who who;

	fx_enter(role);
	fx_who_get(&who);
	fx_wait_go();
	if (fx_broken("group"))
		setpgid(0, 0);
	if (fx_broken("session"))
		setsid();
	fx_who_check(&who, 1);
	CHECK(kill(-who.pgid, 0) == 0, "group %d cannot be signalled", who.pgid);
	fx_leave();
}

static void tell(pid_t p) { MUST(write(pp[1], &p, sizeof(p)) == sizeof(p)); }
static pid_t hear(void)
{
	pid_t p;

	MUST(read(pp[0], &p, sizeof(p)) == sizeof(p));
	return p;
}

static void wait_orphaned(pid_t parent)
{
	while (getppid() == parent)
		usleep(300);
}

static void dead_session(void)
{
	pid_t leader = getpid(), g, p;

	MUST(setsid() > 0);
	if (!(p = fork()))
		wait_orphaned(leader), stay("s1");
	tell(p);
	if (!(g = fork())) { /* leader of a group, dies */
		g = getpid();
		MUST(!setpgid(0, 0));
		if (!(p = fork()))
			wait_orphaned(g), stay("s2");
		tell(p);
		_exit(0);
	}
	MUST(waitpid(g, NULL, 0) == g);
	if (!(p = fork())) {
		MUST(!setpgid(0, 0));
		wait_orphaned(leader);
		stay("s3");
	}
	tell(p);
	if (!(p = fork()))
		_exit(29);
	tell(p);
	siginfo_t si;
	MUST(!waitid(P_PID, p, &si, WEXITED | WNOWAIT));
	_exit(0);
}

static void dead_group(void)
{
	pid_t leader = getpid(), p;

	MUST(!setpgid(0, 0));
	if (!(p = fork()))
		wait_orphaned(leader), stay("g1");
	tell(p);
	if (!(p = fork()))
		wait_orphaned(leader), stay("g2");
	tell(p);
	_exit(0);
}

int main(int argc, char **argv)
{
	static const char *roles[] = { "s1", "s2", "s3", "z", "g1", "g2" };
	pid_t p, kid[6];
	struct fx_who who;
	int st, sid, pgid;

	fx_begin(argc, argv);
	MUST(!prctl(PR_SET_CHILD_SUBREAPER, 1) && !pipe2(pp, O_CLOEXEC));
	if (!(p = fork()))
		dead_session();
	for (int i = 0; i < 4; i++)
		kid[i] = hear();
	MUST(waitpid(p, NULL, 0) == p);
	if (!(p = fork()))
		dead_group();
	kid[4] = hear();
	kid[5] = hear();
	MUST(waitpid(p, NULL, 0) == p);
	fx_await_roles(5);
	sid = getsid(kid[3]);
	pgid = getpgid(kid[3]);
	fx_enter("root");
	fx_who_get(&who);
	fx_ready();
	fx_wait_go();
	fx_who_check(&who, 0);
	CHECK(getsid(kid[3]) == sid && getpgid(kid[3]) == pgid, "zombie: session %d group %d, was %d %d", getsid(kid[3]), getpgid(kid[3]), sid, pgid);
	CHECK(kill(sid, 0) == -1 && errno == ESRCH, "the dead leader %d is there", sid);
	for (int i = 0; i < 6; i++)
		if (i != 3)
			fx_join(kid[i], roles[i]);
	CHECK(waitpid(kid[3], &st, 0) == kid[3] && st == 29 << 8, "zombie's status %#x", st);
	CHECK(waitpid(-1, &st, WNOHANG) == -1 && errno == ECHILD, "there are more children than there were");
	return fx_finish();
}
