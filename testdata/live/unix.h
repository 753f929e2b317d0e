/*
 * For programs with unix sockets: names of them, and what is sent and received.
 */
#include "fx.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BIG 150000 /* the longest message */

static char buf[BIG + 1]; /* what was received last */

/* Binds, listens or connects to a name of DIR, or to an abstract one with '@'. */
static socklen_t address(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (*name == '@') {
		/* all worlds have one network: a name of this one's own */
		snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "fx %s %016llx", name + 1, (unsigned long long)fx_fnv(fx_dir, strlen(fx_dir), FX_FNV0));
		return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a->sun_path + 1);
	}
	if (*name == '.')
		snprintf(a->sun_path, sizeof(a->sun_path), "%s", name + 1);
	else
		MUST(snprintf(a->sun_path, sizeof(a->sun_path), "%s/%s", fx_dir, name) < (int)sizeof(a->sun_path));
	return sizeof(*a);
}

static int bound(int type, const char *name, int backlog)
{
	struct sockaddr_un a;
	socklen_t n = address(&a, name);
	int fd = socket(AF_UNIX, type, 0);

	MUST(fd >= 0 && !bind(fd, (void *)&a, n) && (backlog < 0 || !listen(fd, backlog)));
	return fd;
}

static int dial(int type, const char *name)
{
	struct sockaddr_un a;
	socklen_t n = address(&a, name);
	int fd = socket(AF_UNIX, type, 0);

	return fd >= 0 && !connect(fd, (void *)&a, n) ? fd : -1;
}

static void named(const char *what, int fd, int peer, const char *name)
{
	struct sockaddr_un want, is = { 0 };
	socklen_t n = sizeof(is);

	address(&want, name);
	CHECK(!(peer ? getpeername : getsockname)(fd, (void *)&is, &n) && !memcmp(is.sun_path, want.sun_path, sizeof(is.sun_path)),
	      "%s: name \"%.60s\", not \"%.60s\"", what, is.sun_path, want.sun_path);
}

/* Sends with up to two descriptors. */
static void give(int fd, const char *s, int n, int fd1, int fd2)
{
	union { char b[CMSG_SPACE(2 * sizeof(int))]; struct cmsghdr h; } c = { 0 };
	struct iovec v = { (void *)s, n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.b };
	int fds[2] = { fd1, fd2 }, k = fd2 < 0 ? 1 : 2;

	m.msg_controllen = CMSG_SPACE(k * sizeof(int));
	c.h = (struct cmsghdr){ CMSG_LEN(k * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(&c.h), fds, k * sizeof(int));
	MUST(sendmsg(fd, &m, 0) == n);
}

/* Receives s; the descriptors that come with it, -1 for none, and the sender. */
static void takes(const char *what, int fd, const char *s, int n, int *fds, struct ucred *cred, struct sockaddr_un *sender)
{
	union { char b[256]; struct cmsghdr h; } c;
	struct iovec v = { buf, n ? n : 10 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.b, .msg_controllen = sizeof(c), .msg_name = sender,
			    .msg_namelen = sender ? sizeof(*sender) : 0 };
	struct cmsghdr *h;
	int r = recvmsg(fd, &m, MSG_DONTWAIT);

	CHECK(r == n && !memcmp(buf, s, n), "%s: got %d bytes (errno %d), not %d", what, r, r < 0 ? errno : 0, n);
	if (fds)
		fds[0] = fds[1] = -1;
	if (cred)
		memset(cred, 0, sizeof(*cred));
	if (r < 0)
		return;
	for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_type == SCM_RIGHTS && fds)
			memcpy(fds, CMSG_DATA(h), h->cmsg_len - CMSG_LEN(0));
		else if (h->cmsg_type == SCM_CREDENTIALS && cred)
			memcpy(cred, CMSG_DATA(h), sizeof(*cred));
		else
			CHECK(0, "%s: a control message of type %d", what, h->cmsg_type);
	}
}

static void plain(const char *what, int fd, const char *s) { takes(what, fd, s, strlen(s), NULL, NULL, NULL); }

static void text(int fd, const char *s) { MUST(write(fd, s, strlen(s)) == (ssize_t)strlen(s)); }

static void peer_is(const char *what, int fd, pid_t pid, unsigned uid)
{
	struct ucred c = { 0 };
	socklen_t n = sizeof(c);

	CHECK(!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) && c.pid == pid && c.uid == uid && c.gid == uid,
	      "%s: peer is process %d, user %d, group %d, not %d of user %d", what, c.pid, c.uid, c.gid, pid, uid);
}

static long ino(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? -1 : (long)st.st_ino;
}
