/*
 * async: files that tell of their events by signals.
 *
 *   root    a pipe that tells root's thread, by SIGRTMIN+1; one with an owner but
 *           without O_ASYNC; one with a signal but without an owner
 *   |- told a socket pair tells this process, by SIGIO, and a pipe its group, by
 *   |       SIGUSR1
 *   `- user of another user, who has named himself the owner of a pipe
 *
 * Nothing may tell of the restore.
 */
#include "fx.h"
#include <sys/socket.h>

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif

static int a[2], o[2], s[2], sock[2], g[2], u[2];

static void tell(int fd, int type, pid_t who, int sig, int flags)
{
	struct f_owner_ex ex = { type, who };

	MUST(!fcntl(fd, F_SETOWN_EX, &ex) && !fcntl(fd, F_SETSIG, sig) && !fcntl(fd, F_SETFL, flags));
}

static void told(const char *what, int fd, int type, pid_t who, int sig, int flags)
{
	struct f_owner_ex ex = { -1, -1 };

	CHECK(!fcntl(fd, F_GETOWN_EX, &ex) && ex.type == type && ex.pid == who, "%s: owner %d %d, was %d %d", what, ex.type, ex.pid, type, who);
	CHECK(fcntl(fd, F_GETSIG) == sig, "%s: signal %d, was %d", what, fcntl(fd, F_GETSIG), sig);
	CHECK((fcntl(fd, F_GETFL) & (O_ASYNC | O_NONBLOCK)) == flags, "%s: flags %#o, were %#o", what, fcntl(fd, F_GETFL), flags);
}

static void named_by(const char *what, int fd, uid_t want)
{
	uid_t ids[2] = { -1, -1 };

	CHECK(!fcntl(fd, F_GETOWNER_UIDS, ids) && ids[0] == want && ids[1] == want, "%s: named by user %d as %d, was %d", what, ids[0], ids[1], want);
}

static sigset_t blocked(void)
{
	sigset_t m;

	sigemptyset(&m);
	sigaddset(&m, SIGIO);
	sigaddset(&m, SIGUSR1);
	sigaddset(&m, SIGRTMIN + 1);
	MUST(!sigprocmask(SIG_BLOCK, &m, NULL));
	return m;
}

static int wait_signal(const sigset_t *m, siginfo_t *si)
{
	struct timespec long_time = { FX_PATIENCE / 1000000000, 0 };

	return sigtimedwait(m, si, &long_time);
}

static void told_process(void)
{
	sigset_t m = blocked();
	siginfo_t si;
	int seen = 0;

	MUST(!setpgid(0, 0));
	fx_enter("told");
	fx_wait_go();
	for (int i = 0; i < 2; i++) {
		int sig = wait_signal(&m, &si);

		CHECK(sig == SIGIO || sig == SIGUSR1, "signal %d, errno %d", sig, errno);
		CHECK(sig != SIGUSR1 || si.si_fd == g[0], "descriptor %d, not %d", si.si_fd, g[0]);
		seen |= sig == SIGIO ? 1 : 2;
	}
	CHECK(seen == 3, "of both signals only %d came", seen);
	fx_leave();
}

static void user_process(void)
{
	MUST(!setresgid(1000, 1000, 1000) && !setresuid(1000, 1000, 1000) && !prctl(PR_SET_DUMPABLE, 1));
	tell(u[0], F_OWNER_PID, getpid(), SIGUSR1, O_ASYNC);
	fx_enter("user");
	fx_wait_go();
	if (fx_broken("user"))
		fcntl(u[0], F_SETOWN, 0);
	told("user's", u[0], F_OWNER_PID, getpid(), SIGUSR1, O_ASYNC);
	named_by("user's", u[0], 1000);
	fx_leave();
}

static int none_pending(void)
{
	sigset_t p;

	sigpending(&p);
	for (int i = 1; i < 65; i++)
		if (sigismember(&p, i) == 1)
			return i;
	return 0;
}

int main(int argc, char **argv)
{
	pid_t c, d;
	siginfo_t si;
	sigset_t m;

	fx_begin(argc, argv);
	umask(0); /* all write the same files */
	MUST(!chmod(fx_dir, 0777));
	m = blocked();
	MUST(!pipe(a) && !pipe(o) && !pipe(s) && !pipe(g) && !pipe(u) && !socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	if (!(c = fork()))
		told_process();
	fx_await_roles(1);
	if (!(d = fork()))
		user_process();
	fx_await_roles(2);
	tell(a[0], F_OWNER_TID, getpid(), SIGRTMIN + 1, O_ASYNC | O_NONBLOCK);
	tell(o[0], F_OWNER_PID, getpid(), 0, 0);
	MUST(!fcntl(s[0], F_SETSIG, SIGRTMIN + 2));
	tell(sock[0], F_OWNER_PID, c, 0, O_ASYNC);
	tell(g[0], F_OWNER_PGRP, c, SIGUSR1, O_ASYNC);
	fx_enter("root");
	fx_ready();
	fx_wait_go();
	if (fx_broken("signal"))
		fcntl(a[0], F_SETSIG, 0);
	if (fx_broken("owner"))
		fcntl(o[0], F_SETOWN, 0);
	if (fx_broken("async"))
		fcntl(a[0], F_SETFL, 0);
	CHECK(!none_pending(), "signal %d is pending", none_pending());
	told("thread's", a[0], F_OWNER_TID, getpid(), SIGRTMIN + 1, O_ASYNC | O_NONBLOCK);
	told("silent", o[0], F_OWNER_PID, getpid(), 0, 0);
	CHECK(fcntl(s[0], F_GETSIG) == SIGRTMIN + 2, "signal %d without an owner", fcntl(s[0], F_GETSIG));
	told("process's", sock[0], F_OWNER_PID, c, 0, O_ASYNC);
	told("group's", g[0], F_OWNER_PGRP, c, SIGUSR1, O_ASYNC);
	named_by("thread's", a[0], 0);
	CHECK(write(a[1], "x", 1) == 1 && write(sock[1], "x", 1) == 1 && write(g[1], "x", 1) == 1, "cannot write: %s", strerror(errno));
	CHECK(fx_fails || wait_signal(&m, &si) == SIGRTMIN + 1 && si.si_fd == a[0] && si.si_code == POLL_IN, "signal %d, descriptor %d", si.si_signo, si.si_fd);
	fx_join(c, "told");
	fx_join(d, "user");
	return fx_finish();
}
