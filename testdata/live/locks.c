/*
 * locks: file locks of all kinds, looked at from processes that hold none.
 *
 *   root     flock on "f" by a description that child has, too, taken by root;
 *            POSIX locks for writing on bytes 10..29 and from 100 on of "p" and
 *            for reading on 40..49; an OFD lock on "o"; a lock on a removed file
 *            and one on a memfd
 *   |- child POSIX locks for writing on 30..39 and for reading on 45..54 of "p",
 *   |        by root's description; a shared flock on "s", as root
 *   |- wait  sleeps in fcntl(F_SETLKW) for byte 10 of "p"
 *   `- queue sleeps in flock for "f"
 */
#include "fx.h"
#include <sys/file.h>

static int f, p, o, s, gone, mem, done[2], there[2];

static int openat_dir(const char *name)
{
	char path[220];

	snprintf(path, sizeof(path), "%s/%s", fx_dir, name);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int lock(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &l);
}

/* Who excludes a lock: the holder's pid, -1 for one of a description, 0 for nobody. */
static int held(int fd, int type, off_t start, off_t len, struct flock *l)
{
	*l = (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
	MUST(!fcntl(fd, F_GETLK, l));
	return l->l_type == F_UNLCK ? 0 : l->l_pid;
}

#define HELD(fd, type, start, len, pid, s0, n0) do { \
		struct flock l; \
		int who = held(fd, type, start, len, &l); \
		CHECK(who == (pid), "line %d: held by %d, not %d", __LINE__, who, pid); \
		CHECK(!(pid) || (l.l_start == (s0) && l.l_len == (n0)), "line %d: from %d, %d bytes", __LINE__, (int)l.l_start, (int)l.l_len); \
	} while (0)

/* A process without any lock looks at those of root and child. */
static void probe(pid_t root, pid_t child)
{
	int fd = openat_dir("p"), fl, i;

	HELD(fd, F_RDLCK, 0, 30, root, 10, 20);
	HELD(fd, F_WRLCK, 0, 10, 0, 0, 0);
	HELD(fd, F_RDLCK, 31, 2, child, 30, 10);
	HELD(fd, F_RDLCK, 40, 15, 0, 0, 0); /* for reading, so is mine */
	HELD(fd, F_WRLCK, 40, 4, root, 40, 10);
	HELD(fd, F_WRLCK, 52, 4, child, 45, 10);
	HELD(fd, F_RDLCK, 5000, 1, root, 100, 0);
	HELD(gone, F_WRLCK, 0, 0, root, 7, 1);
	HELD(mem, F_WRLCK, 0, 0, root, 1, 2);
	HELD(openat_dir("o"), F_RDLCK, 0, 0, -1, 3, 4);
	fl = openat_dir("f");
	CHECK(flock(fl, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK, "the flock for writing is gone");
	CHECK(!flock(f, LOCK_EX | LOCK_NB), "the description is another than that of the flock: %s", strerror(errno));
	fl = openat_dir("s");
	CHECK(flock(fl, LOCK_EX | LOCK_NB) == -1, "the shared flock is gone");
	CHECK(!flock(fl, LOCK_SH | LOCK_NB), "the shared flock is an exclusive one");
	for (i = 3; i < 40; i++)
		close(i);
}

static void child(void)
{
	struct fx_who who;
	char end;

	MUST(!lock(p, F_SETLK, F_WRLCK, 30, 10) && !lock(p, F_SETLK, F_RDLCK, 45, 10));
	MUST((s = openat_dir("s")) >= 0 && !flock(s, LOCK_SH));
	fx_name("child");
	fx_who_get(&who);
	fx_enter("child");
	fx_wait_go();
	fx_who_check(&who, 1);
	if (fx_broken("child"))
		lock(p, F_SETLK, F_UNLCK, 30, 1);
	HELD(p, F_WRLCK, 30, 10, 0, 0, 0); /* one's own excludes nobody */
	close(done[1]);
	CHECK(write(there[1], "x", 1) == 1, "the pipe is gone");
	CHECK(read(done[0], &end, 1) == 0, "no end of the pipe"); /* when all have looked */
	fx_leave();
}

/* Root says that it lets go of what that role waits for, or the role asks. */
static int let_go(const char *role, int say)
{
	char path[220];

	snprintf(path, sizeof(path), "%s/let-%s", fx_dir, role);
	return say ? mkdir(path, 0700) == 0 : access(path, F_OK) == 0;
}

/* Sleeps for a lock of root's and gets it only when root lets go. */
static void waiter(const char *role, int (*take)(void), pid_t root)
{
	fx_enter(role);
	CHECK(!take(), "waiting for a lock: %s", strerror(errno));
	CHECK(let_go(role, 0), "the lock came before root let it go");
	CHECK(getppid() == root, "parent %d, was %d", getppid(), root);
	fx_leave();
}
static int take_posix(void) { return lock(openat_dir("p"), F_SETLKW, F_WRLCK, 10, 1); }
static int take_flock(void) { return flock(openat_dir("f"), LOCK_EX); }

int main(int argc, char **argv)
{
	pid_t c, w, q, look, root = getpid();
	char path[220], byte;
	int st;

	fx_begin(argc, argv);
	f = openat_dir("f"), p = openat_dir("p"), o = openat_dir("o"), s = openat_dir("s"), gone = openat_dir("gone");
	MUST(f >= 0 && p >= 0 && o >= 0 && s >= 0 && gone >= 0);
	snprintf(path, sizeof(path), "%s/gone", fx_dir);
	MUST(!unlink(path) && (mem = memfd_create("locked", 0)) >= 0);
	MUST(!pipe2(done, O_CLOEXEC) && !pipe2(there, O_CLOEXEC) && !flock(f, LOCK_EX) && !flock(s, LOCK_SH));
	MUST(!lock(p, F_SETLK, F_WRLCK, 10, 20) && !lock(p, F_SETLK, F_WRLCK, 100, 0) && !lock(p, F_SETLK, F_RDLCK, 40, 10));
	MUST(!lock(o, F_OFD_SETLK, F_WRLCK, 3, 4) && !lock(gone, F_SETLK, F_WRLCK, 7, 1) && !lock(mem, F_SETLK, F_WRLCK, 1, 2));
	if (!(c = fork()))
		child();
	if (!(w = fork()))
		close(f), close(done[1]), waiter("wait", take_posix, root);
	if (!(q = fork()))
		close(f), close(done[1]), waiter("queue", take_flock, root);
	fx_await_roles(3);
	fx_enter("root");
	fx_ready();
	fx_wait_go();
	if (fx_broken("flock"))
		flock(f, LOCK_UN);
	if (fx_broken("posix"))
		lock(p, F_SETLK, F_UNLCK, 10, 1);
	if (fx_broken("ofd"))
		lock(o, F_OFD_SETLK, F_UNLCK, 3, 1);
	if (fx_broken("removed"))
		lock(gone, F_SETLK, F_UNLCK, 0, 0);
	if (fx_broken("shared"))
		lock(p, F_SETLK, F_WRLCK, 40, 1);
	CHECK(read(there[0], &byte, 1) == 1, "the pipe is gone");
	if (!(look = fork())) {
		fx_name("probe");
		probe(root, c);
		_exit(fx_fails != 0);
	}
	CHECK(waitpid(look, &st, 0) == look && !st, "the locks differ");
	CHECK(waitpid(w, &st, WNOHANG) == 0 && waitpid(q, &st, WNOHANG) == 0, "somebody who waited for a lock is gone");
	MUST(let_go("wait", 1));
	lock(p, F_SETLK, F_UNLCK, 10, 20);
	fx_join(w, "wait");
	MUST(let_go("queue", 1));
	flock(f, LOCK_UN);
	fx_join(q, "queue");
	close(done[1]);
	fx_join(c, "child");
	return fx_finish();
}
