/*
 * sockets: unix sockets of every kind and state, with data and descriptors in
 * flight, in four processes: root, a child that shares sockets by fork, one of
 * another user and one in a root directory of its own. The last two tell root
 * through their sockets what they find.
 */
#include "unix.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define USER 1234

static int spair[2], mixed[2], seq[2], dg[2], shut[2], reset_end, eof_end, outer[2];
static int lis, client, server, wait1, wait2, user_end, lis_rel, lis_moved, dead_client, dead_server;
static int box, from, unbound, autob, connected, lost, passed, shared[2], ep, of_user[2], jail_end, child_end;
static int pipe_in;
static struct sockaddr_un auto_name;
static pid_t child, user, jail;
static char data[BIG];

/* Another user: a connection that root accepted, and a pair of its own. */
static void be_user(void)
{
	int own[2], c, u, ok;
	struct sockaddr_un a;
	socklen_t n = address(&a, "@box");

	MUST(!setresgid(USER, USER, USER) && !setresuid(USER, USER, USER));
	MUST((c = dial(SOCK_STREAM, "listen")) >= 0 && !socketpair(AF_UNIX, SOCK_DGRAM, 0, own));
	MUST((u = socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0 && sendto(u, "by user", 7, 0, (void *)&a, n) == 7);
	give(c, "pair", 4, own[0], own[1]);
	while (!fx_go())
		usleep(5000);
	*fx_path_result = 0; /* it may not write there */
	peer_is("own pair", own[0], getpid(), USER);
	peer_is("root's socket", c, getppid(), 0);
	ok = !fx_fails;
	_exit(write(c, ok ? "user ok" : "user no", 7) != 7);
}

/* A root directory of its own. */
static void be_jail(int fd)
{
	int l, c = -1, s = -1;
	char b;

	MUST((!mkdir("jail", 0755) || errno == EEXIST) && !chroot("jail") && !chdir("/"));
	*fx_dir = 0;
	l = bound(SOCK_STREAM, "in.sock", 1);
	MUST(write(fd, "r", 1) == 1);
	MUST(read(fd, &b, 1) == 1);
	c = dial(SOCK_STREAM, "in.sock");
	s = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	_exit(write(fd, c >= 0 && s >= 0 && write(c, "x", 1) == 1 && read(s, &b, 1) == 1 ? "jail ok" : "jail no", 7) != 7);
}

/* Shares sockets by fork. */
static void be_child(void)
{
	struct fx_who who;

	close(shared[0]);
	fx_enter("child");
	fx_who_get(&who);
	fx_wait_go();
	fx_who_check(&who, 1);
	CHECK(fcntl(passed, F_GETFL) & O_NONBLOCK, "the shared socket is not");
	peer_is("pair of the parent", shared[1], getppid(), 0);
	plain("data of the parent", shared[1], "to the child");
	CHECK(write(shared[1], "to root", 7) == 7, "writing to root: %m");
	CHECK(read(shared[1], buf, 1) == 1 && !fcntl(passed, F_SETFL, 0), "fcntl: %m");
	plain("pair of its own", child_end, "to itself");
	fx_leave();
}

static void make_pairs(void)
{
	int p[2], in[2], x[2];

	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, spair) && !socketpair(AF_UNIX, SOCK_STREAM, 0, mixed));
	MUST(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, seq) && !socketpair(AF_UNIX, SOCK_DGRAM, 0, dg));
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, shut));
	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, outer));
	fx_fill(data, BIG, 1);
	MUST(write(spair[0], data, BIG) == BIG);
	text(spair[1], "back");
	MUST(!pipe(p) && write(p[1], "piped", 5) == 5);
	pipe_in = p[1];
	text(mixed[0], "before ");
	give(mixed[0], "with two", 8, p[0], lis);
	give(mixed[0], "one", 3, shut[1], -1);
	text(mixed[0], " after");
	close(p[0]);
	/* a pair that is in flight alone, with a pipe in flight within it */
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, in) && !pipe(x) && write(x[1], "deep", 4) == 4);
	give(in[0], "within", 6, x[0], x[1]);
	give(seq[0], "nested", 6, in[1], -1);
	MUST(send(seq[0], "", 0, 0) == 0 && send(seq[0], data, 3000, 0) == 3000);
	close(in[0]), close(in[1]), close(x[0]), close(x[1]);
	MUST(send(dg[0], "one", 3, 0) == 3 && send(dg[0], "", 0, 0) == 0 && send(dg[0], data, 20000, 0) == 20000);
	text(shut[0], "last");
	MUST(!shutdown(shut[0], SHUT_WR));
}

static void make_gone(void)
{
	int x[2], d;

	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, x));
	text(x[0], "unread");
	close(x[1]);
	reset_end = x[0];
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, x));
	text(x[1], "rest");
	close(x[1]);
	eof_end = x[0];
	d = bound(SOCK_DGRAM, "@gone", -1);
	MUST((lost = dial(SOCK_DGRAM, "@gone")) >= 0);
	close(d);
}

static void make_named(void)
{
	struct sockaddr_un a;
	socklen_t n;
	char p[220], q[240];
	int l;

	lis = bound(SOCK_STREAM, "listen", 3);
	snprintf(p, sizeof(p), "%s/listen", fx_dir);
	MUST(!chown(p, USER, 7) && !chmod(p, 0622));
	MUST((client = dial(SOCK_STREAM, "listen")) >= 0 && (server = accept(lis, NULL, NULL)) >= 0);
	text(server, "welcome");
	MUST(!chdir(fx_dir));
	lis_rel = bound(SOCK_SEQPACKET, ".relative", 0);
	lis_moved = bound(SOCK_STREAM, "before", 1);
	snprintf(p, sizeof(p), "%s/before", fx_dir);
	snprintf(q, sizeof(q), "%s/moved", fx_dir);
	MUST(!rename(p, q));
	l = bound(SOCK_STREAM, "deleted", 1);
	MUST((dead_client = dial(SOCK_STREAM, "deleted")) >= 0 && (dead_server = accept(l, NULL, NULL)) >= 0);
	snprintf(p, sizeof(p), "%s/deleted", fx_dir);
	MUST(!unlink(p) && !close(l));
	box = bound(SOCK_DGRAM, "@box", -1);
	from = bound(SOCK_DGRAM, "from", -1);
	MUST(!setsockopt(box, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)));
	n = address(&a, "@box");
	MUST(sendto(from, "named", 5, 0, (void *)&a, n) == 5);
	MUST((connected = dial(SOCK_DGRAM, "from")) >= 0 && (unbound = socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0);
	MUST(sendto(unbound, "nobody", 6, 0, (void *)&a, n) == 6);
	MUST((autob = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	MUST(!bind(autob, (void *)&a, sizeof(sa_family_t)));
	n = sizeof(auto_name);
	MUST(!getsockname(autob, (void *)&auto_name, &n) && n == 8);
}

static void set_options(void)
{
	MUST(!setsockopt(spair[0], SOL_SOCKET, SO_SNDBUF, &(int){ 400000 }, sizeof(int)));
	MUST(!setsockopt(spair[1], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 7, 0 }, sizeof(struct timeval)));
	MUST(!setsockopt(spair[1], SOL_SOCKET, SO_PRIORITY, &(int){ 3 }, sizeof(int)));
	MUST(!setsockopt(shut[1], SOL_SOCKET, SO_PEEK_OFF, &(int){ 2 }, sizeof(int)));
	MUST(!setsockopt(seq[1], SOL_SOCKET, SO_RCVLOWAT, &(int){ 5 }, sizeof(int)));
	MUST((ep = epoll_create1(0)) >= 0);
	MUST(!epoll_ctl(ep, EPOLL_CTL_ADD, shut[1], &(struct epoll_event){ EPOLLIN, { .u32 = 77 } }));
	MUST(!epoll_ctl(ep, EPOLL_CTL_ADD, outer[1], &(struct epoll_event){ EPOLLIN, { .u32 = 78 } }));
}

static void option(const char *what, int fd, int name, int want)
{
	int is = -2;
	socklen_t n = sizeof(is);

	CHECK(!getsockopt(fd, SOL_SOCKET, name, &is, &n) && is == want, "%s: option is %d, was %d", what, is, want);
}

static void check_options(int sndbuf)
{
	struct epoll_event e[2];
	struct timeval t = { 0 };
	socklen_t n = sizeof(t);
	int r;

	if (fx_broken("options"))
		setsockopt(spair[0], SOL_SOCKET, SO_SNDBUF, &(int){ 5000 }, sizeof(int));
	option("send buffer", spair[0], SO_SNDBUF, sndbuf);
	option("priority", spair[1], SO_PRIORITY, 3);
	option("peek offset", shut[1], SO_PEEK_OFF, 2);
	option("no peek offset", dg[1], SO_PEEK_OFF, -1);
	option("low water mark", seq[1], SO_RCVLOWAT, 5);
	option("credentials", box, SO_PASSCRED, 1);
	option("listening", lis, SO_ACCEPTCONN, 1);
	CHECK(!getsockopt(spair[1], SOL_SOCKET, SO_RCVTIMEO, &t, &n) && t.tv_sec == 7, "time-out %ld", (long)t.tv_sec);
	r = epoll_wait(ep, e, 2, 0);
	CHECK(r == 1 && e[0].data.u32 == 77, "epoll tells of %d", r);
	CHECK(recv(shut[1], buf, 10, MSG_PEEK) == 2 && !memcmp(buf, "st", 2), "looking from the offset on gives \"%.5s\"", buf);
}

static void check_pairs(void)
{
	int fds[2], more[2], r = 0, q;

	if (fx_broken("stream"))
		r = read(spair[1], buf, 1);
	CHECK(!ioctl(spair[1], FIONREAD, &q) && q == BIG, "%d bytes unread, not %d", q, BIG);
	for (; r < BIG; r += q)
		if ((q = recv(spair[1], buf + r, BIG - r, MSG_DONTWAIT)) <= 0)
			break;
	CHECK(r == BIG && !memcmp(buf, data, BIG), "big data differs (%d bytes)", r);
	plain("back", spair[0], "back");
	if (fx_broken("rights"))
		close(pipe_in);
	takes("before", mixed[1], "before ", 7, fds, NULL, NULL);
	CHECK(fds[0] < 0, "descriptors come too early");
	takes("with two", mixed[1], "with two", 8, fds, NULL, NULL);
	CHECK(ino(fds[0]) == ino(pipe_in) && ino(fds[1]) == ino(lis), "other files in flight");
	CHECK(read(fds[0], buf, 5) == 5 && !memcmp(buf, "piped", 5), "data of the pipe in flight");
	CHECK(write(pipe_in, "!", 1) == 1 && read(fds[0], buf, 1) == 1, "the pipe in flight is torn");
	takes("one", mixed[1], "one", 3, fds, NULL, NULL);
	CHECK(ino(fds[0]) == ino(shut[1]), "another socket in flight");
	plain("after", mixed[1], " after");
	takes("nested", seq[1], "nested", 6, fds, NULL, NULL);
	takes("within", fds[0], "within", 6, more, NULL, NULL);
	CHECK(read(more[0], buf, 4) == 4 && !memcmp(buf, "deep", 4), "data of the pipe within");
	CHECK(recv(fds[0], buf, 1, 0) == 0, "the other end is not gone");
	plain("empty packet", seq[1], "");
	takes("long packet", seq[1], data, 3000, NULL, NULL, NULL);
	plain("datagram", dg[1], "one");
	plain("empty datagram", dg[1], "");
	takes("long datagram", dg[1], data, 20000, NULL, NULL, NULL);
	plain("last", shut[1], "last");
	CHECK(recv(shut[1], buf, 1, 0) == 0 && send(shut[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE, "it is not shut down");
	CHECK(write(shut[1], "y", 1) == 1, "both directions are shut down");
	plain("other direction", shut[0], "y");
}

static void check_gone(void)
{
	CHECK(recv(reset_end, buf, 1, 0) < 0 && errno == ECONNRESET, "no ECONNRESET but %d", errno);
	plain("rest", eof_end, "rest");
	CHECK(recv(eof_end, buf, 1, 0) == 0, "no end of file");
	CHECK(send(lost, "x", 1, MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED, "a datagram to nobody gives %d", errno);
}

static void check_box(void)
{
	struct sockaddr_un s, want;
	struct ucred c;

	if (fx_broken("datagram"))
		plain("datagram", box, "named");
	address(&want, "from");
	takes("from a name", box, "named", 5, NULL, &c, &s);
	CHECK(!strcmp(s.sun_path, want.sun_path) && c.pid == getpid() && c.uid == 0, "sender \"%s\", process %d", s.sun_path, c.pid);
	takes("from nobody", box, "nobody", 6, NULL, &c, NULL);
	CHECK(c.pid == getpid(), "sender is process %d", c.pid);
	takes("from a user", box, "by user", 7, NULL, &c, NULL);
	CHECK(c.pid == user && c.uid == USER && c.gid == USER, "sender is process %d of user %d", c.pid, c.uid);
	CHECK(write(connected, "z", 1) == 1, "the connected datagram socket: %m");
	plain("connected", from, "z");
}

static void check_named(void)
{
	char p[220];
	struct stat st;
	struct sockaddr_un a;
	socklen_t n = sizeof(a);
	int fds[2], s = -1, c;

	snprintf(p, sizeof(p), "%s/listen", fx_dir);
	CHECK(!stat(p, &st) && (st.st_mode & 07777) == 0622 && st.st_uid == USER && st.st_gid == 7, "mode %o of user %d", st.st_mode, st.st_uid);
	plain("welcome", client, "welcome");
	named("server", server, 0, "listen");
	named("client", client, 1, "listen");
	if (fx_broken("waiting"))
		close(accept(lis, NULL, NULL));
	CHECK(!fcntl(lis, F_SETFL, O_NONBLOCK), "fcntl: %m");
	CHECK(send(wait1, "first", 5, MSG_NOSIGNAL) == 5 && (s = accept(lis, NULL, NULL)) >= 0, "no connection waits: %m");
	plain("who waited", s, "first");
	CHECK((s = accept(lis, NULL, NULL)) >= 0, "no second connection waits: %m");
	plain("who waited and had sent", s, "second");
	peer_is("who waited", s, getpid(), 0);
	CHECK((s = accept(lis, NULL, NULL)) >= 0, "no third connection waits: %m");
	plain("who waited and is gone", s, "third");
	CHECK(recv(s, buf, 1, 0) == 0, "it is not gone");
	CHECK(accept(lis, NULL, NULL) < 0 && errno == EAGAIN, "one too many");
	CHECK(!getsockname(autob, (void *)&a, &n) && n == 8 && !memcmp(&a, &auto_name, 8), "the kernel's name is \"%.5s\"", a.sun_path + 1);
	CHECK((c = dial(SOCK_SEQPACKET, ".relative")) >= 0, "the relative name: %m");
	CHECK((c = dial(SOCK_STREAM, "moved")) >= 0 && (s = accept(lis_moved, NULL, NULL)) >= 0, "the moved name: %m");
	named("moved", s, 0, "before");
	CHECK(dial(SOCK_STREAM, "before") < 0 && dial(SOCK_STREAM, "deleted") < 0 && errno == ENOENT, "names that are gone are there");
	named("deleted", dead_server, 0, "deleted");
	CHECK(write(dead_client, "d", 1) == 1, "its client: %m");
	plain("deleted", dead_server, "d");
	CHECK(write(jail_end, "g", 1) == 1 && read(jail_end, buf, 7) == 7 && !memcmp(buf, "jail ok", 7), "in the other root: %.7s", buf);
	takes("of the user", user_end, "pair", 4, fds, NULL, NULL);
	CHECK(fds[1] >= 0 && read(user_end, buf, 7) == 7 && !memcmp(buf, "user ok", 7), "the user says %.7s", buf);
	peer_is("the user's pair", fds[0], user, USER);
}

static void check_peers(void)
{
	int fd = -1, n = fx_broken("peers") ? 0 : user;
	socklen_t size = sizeof(fd);
	char p[64], want[32];

	peer_is("pair", spair[0], getpid(), 0);
	peer_is("server", server, getpid(), 0);
	peer_is("client", client, getpid(), 0);
	peer_is("user", user_end, n, USER);
	peer_is("listening", lis, getpid(), 0);
	if (getsockopt(user_end, SOL_SOCKET, 77 /* SO_PEERPIDFD */, &fd, &size))
		return;
	snprintf(p, sizeof(p), "/proc/self/fdinfo/%d", fd);
	snprintf(want, sizeof(want), "Pid:\t%d\n", user);
	CHECK(fx_slurp(p, buf, 4096) > 0 && strstr(buf, want), "the process of the peer is another: %.200s", buf);
	close(fd);
}

static void start_others(void)
{
	int pair[2], gone;

	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	if (!(jail = fork()))
		be_jail(pair[1]);
	close(pair[1]);
	jail_end = pair[0];
	MUST(read(jail_end, buf, 1) == 1);
	if (!(user = fork()))
		be_user();
	MUST((user_end = accept(lis, NULL, NULL)) >= 0);
	while (recv(user_end, buf, 4, MSG_PEEK) != 4)
		usleep(1000);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, shared));
	text(shared[0], "to the child");
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, of_user) && (wait1 = dial(SOCK_STREAM, "listen")) >= 0);
	MUST((wait2 = dial(SOCK_STREAM, "listen")) >= 0);
	text(wait2, "second");
	MUST((gone = dial(SOCK_STREAM, "listen")) >= 0);
	text(gone, "third");
	close(gone);
	text(of_user[1], "to itself");
	child_end = of_user[0];
	MUST((passed = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) >= 0);
	if (!(child = fork()))
		be_child();
	close(shared[1]), close(of_user[0]), close(of_user[1]);
}

int main(int argc, char **argv)
{
	struct fx_fds fds;
	socklen_t n = sizeof(int);
	int sndbuf, st;

	fx_begin(argc, argv);
	if (geteuid()) {
		dprintf(2, "unavailable: needs root\n");
		_exit(77);
	}
	make_named();
	make_pairs();
	make_gone();
	set_options();
	start_others();
	MUST(!getsockopt(spair[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, &n));
	fx_await_roles(1);
	fx_enter("root");
	fx_fds_get(&fds);
	fx_ready();
	fx_wait_go();
	if (fx_broken("fds"))
		close(lis_rel);
	fx_fds_check(&fds);
	CHECK(write(shared[0], "g", 1) == 1, "writing to the child: %m");
	fx_join(child, "child");
	CHECK(!(fcntl(passed, F_GETFL) & O_NONBLOCK), "the socket is not shared");
	plain("of the child", shared[0], "to root");
	CHECK(recv(shared[0], buf, 1, 0) == 0, "the child's end is still open");
	check_peers();
	check_options(sndbuf);
	check_pairs();
	check_gone();
	check_box();
	check_named();
	waitpid(user, &st, 0);
	waitpid(jail, &st, 0);
	return fx_finish();
}
