/*
 * fx.h: what the fixture programs of the live tests share.
 *
 * Protocol: every fixture is run as   prog DIR [ARG]
 *   1. It builds its state. Each process that will give a verdict calls
 *      fx_enter(ROLE), which appends ROLE to DIR/roles.
 *   2. The root process calls fx_ready(), which makes DIR/ready.
 *   3. All wait until DIR/go exists. The tree is captured, killed and restored
 *      while they wait.
 *   4. Each process compares what it finds with what it remembers and appends
 *      to DIR/result one line "FAIL ROLE: what" for each difference, or one
 *      line "ok ROLE".
 *   5. The root process waits for the others and writes the last line,
 *      "RESULT PASS" or "RESULT FAIL".
 * The judge wants the ok lines to name the very roles of DIR/roles.
 *
 * A check that cannot fail proves nothing: with FX_BREAK=NAME in its
 * environment a fixture spoils, after DIR/go and before it looks, the state
 * that the check of that name is about (fx_broken), and the judge wants FAIL.
 */
#ifndef FX_H
#define FX_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char fx_path_result[200], fx_path_go[200], fx_path_ready[200], fx_path_roles[200], fx_dir[180];
static char fx_role[16] = "root";
static int fx_fails;

static void fx_append(const char *path, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n, fd;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(buf) - 2)
		n = sizeof(buf) - 2;
	buf[n++] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, buf, n) != n)
		__atomic_fetch_add(&fx_fails, 1, __ATOMIC_SEQ_CST);
	if (fd >= 0)
		close(fd);
}

/* A difference between what is and what should be. */
#define CHECK(cond, ...)                                                    \
	do {                                                                \
		if (!(cond)) {                                              \
			char m_[384];                                       \
			snprintf(m_, sizeof(m_), __VA_ARGS__);              \
			__atomic_fetch_add(&fx_fails, 1, __ATOMIC_SEQ_CST); \
			fx_append(fx_path_result, "FAIL %s: %s", fx_role, m_); \
		}                                                           \
	} while (0)

/* An assertion while the state is built: without it there is nothing to test. */
#define MUST(cond)                                                                         \
	do {                                                                               \
		if (!(cond)) {                                                             \
			dprintf(2, "setup of %s, line %d: %s: %m\n", fx_role, __LINE__, #cond); \
			_exit(99);                                                         \
		}                                                                          \
	} while (0)

static inline int fx_broken(const char *name)
{
	const char *e = getenv("FX_BREAK");

	return e && !strcmp(e, name);
}

/* who is a process's or a thread's identity */
struct fx_who {
	pid_t pid, tid, ppid, pgid, sid;
	char comm[16];
};

static inline void fx_who_get(struct fx_who *w)
{
	memset(w, 0, sizeof(*w));
	w->pid = syscall(SYS_getpid);
	w->tid = syscall(SYS_gettid);
	w->ppid = syscall(SYS_getppid);
	w->pgid = getpgid(0);
	w->sid = getsid(0);
	prctl(PR_GET_NAME, w->comm);
}

static inline void fx_who_check(const struct fx_who *o, int parent)
{
	struct fx_who n;

	fx_who_get(&n);
	CHECK(n.pid == o->pid, "pid %d, was %d", n.pid, o->pid);
	CHECK(n.tid == o->tid, "tid %d, was %d", n.tid, o->tid);
	if (parent)
		CHECK(n.ppid == o->ppid, "ppid %d, was %d", n.ppid, o->ppid);
	CHECK(n.pgid == o->pgid, "pgid %d, was %d", n.pgid, o->pgid);
	CHECK(n.sid == o->sid, "sid %d, was %d", n.sid, o->sid);
	CHECK(!strcmp(n.comm, o->comm), "comm %s, was %s", n.comm, o->comm);
}

static inline void fx_name(const char *role)
{
	char comm[16];

	if (role != fx_role)
		snprintf(fx_role, sizeof(fx_role), "%s", role);
	snprintf(comm, sizeof(comm), "fx-%.12s", role);
	prctl(PR_SET_NAME, comm);
}

/* The root process's first call. */
static inline void fx_begin(int argc, char **argv)
{
	if (argc < 2 || strlen(argv[1]) > 150) {
		dprintf(2, "usage: %s DIR [ARG]\n", argv[0]);
		_exit(98);
	}
	snprintf(fx_dir, sizeof(fx_dir), "%s", argv[1]);
	snprintf(fx_path_result, sizeof(fx_path_result), "%s/result", fx_dir);
	snprintf(fx_path_go, sizeof(fx_path_go), "%s/go", fx_dir);
	snprintf(fx_path_ready, sizeof(fx_path_ready), "%s/ready", fx_dir);
	snprintf(fx_path_roles, sizeof(fx_path_roles), "%s/roles", fx_dir);
	fx_name("root");
}

/* This process has built its state and will give a verdict. */
static inline void fx_enter(const char *role)
{
	fx_name(role);
	fx_append(fx_path_roles, "%s", role);
}

/* Wait until n roles have entered. */
static inline void fx_await_roles(int n)
{
	char buf[65536];
	int fd, r, i, lines;

	for (;;) {
		lines = 0;
		fd = open(fx_path_roles, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			while ((r = read(fd, buf, sizeof(buf))) > 0)
				for (i = 0; i < r; i++)
					lines += buf[i] == '\n';
			close(fd);
		}
		if (lines >= n)
			return;
		usleep(1000);
	}
}

static inline int64_t fx_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Sleep; a sleep that ends early or with EINTR is a difference. */
static inline void fx_msleep(int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000L };
	int64_t t = fx_now();
	int r = nanosleep(&ts, &ts);

	CHECK(!r, "nanosleep: %s", strerror(errno));
	t = fx_now() - t;
	CHECK(r || t >= ms * 1000000LL, "nanosleep of %d ms took %lld us", ms, (long long)t / 1000);
}

/* Let the others settle into their waits, then say that the tree is ready. */
static inline void fx_ready(void)
{
	char tmp[220], pid[16];
	int fd, n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

	usleep(60000); /* signals may come in between: only a courtesy, nothing depends on it */
	snprintf(tmp, sizeof(tmp), "%s.new", fx_path_ready);
	fd = open(tmp, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	MUST(fd >= 0 && write(fd, pid, n) == n);
	close(fd);
	MUST(!rename(tmp, fx_path_ready));
}

static inline int fx_go(void)
{
	return access(fx_path_go, F_OK) == 0;
}

/* Wait for DIR/go in a mix of sleeping calls, none of which may be interrupted. */
static inline void fx_wait_go(void)
{
	unsigned k = getpid();
	struct timespec ts;
	struct timeval tv;
	int r;

	for (; !fx_go(); k++) {
		errno = 0;
		switch (k % 4) {
		case 0:
			ts = (struct timespec){ 0, 12000000 };
			r = nanosleep(&ts, &ts);
			break;
		case 1:
			r = poll(NULL, 0, 12);
			break;
		case 2:
			tv = (struct timeval){ 0, 12000 };
			r = select(0, NULL, NULL, NULL, &tv);
			break;
		default:
			ts = (struct timespec){ 0, 12000000 };
			r = clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
		}
		CHECK(r == 0, "wait %d was interrupted: %d, errno %d", (int)(k % 4), r, errno);
	}
}

/* The same for processes that expect signals while they wait. */
static inline void fx_wait_go_signals(void)
{
	while (!fx_go())
		usleep(5000);
}

/* End of a process that is not the root; status 0 if all was well. */
static inline void fx_leave(void)
{
	if (!fx_fails)
		fx_append(fx_path_result, "ok %s", fx_role);
	_exit(fx_fails ? 1 : 0);
}

/* Wait for a child and require that it found no difference. */
static inline void fx_join(pid_t pid, const char *role)
{
	int st = -1;
	pid_t r = waitpid(pid, &st, 0);

	CHECK(r == pid, "waitpid(%s %d) = %d, errno %d", role, pid, r, r < 0 ? errno : 0);
	if (r == pid)
		CHECK(WIFEXITED(st) && WEXITSTATUS(st) == 0, "child %s ended with status %#x", role, st);
}

/* End of the root process. */
static inline int fx_finish(void)
{
	if (!fx_fails)
		fx_append(fx_path_result, "ok %s", fx_role);
	fx_append(fx_path_result, fx_fails ? "RESULT FAIL" : "RESULT PASS");
	return fx_fails ? 1 : 0;
}

/* How long what must happen may take on a busy machine, in nanoseconds. */
#define FX_PATIENCE 120000000000LL

#define FX_FNV0 14695981039346656037ULL

static inline uint64_t fx_fnv(const void *p, size_t n, uint64_t h)
{
	const unsigned char *c = p;

	while (n--) {
		h ^= *c++;
		h *= 1099511628211ULL;
	}
	return h;
}

static inline uint64_t fx_rnd(uint64_t *s)
{
	uint64_t x = *s;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *s = x;
}

static inline void fx_fill(void *p, size_t n, uint64_t seed)
{
	unsigned char *c = p;
	uint64_t s = seed * 2654435761u + 1;

	while (n--)
		*c++ = fx_rnd(&s);
}

/* Read a whole small file; the length, or -1. */
static inline int fx_slurp(const char *path, char *buf, int size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), n = 0, r;

	if (fd < 0)
		return -1;
	while (n < size - 1 && (r = read(fd, buf + n, size - 1 - n)) > 0)
		n += r;
	close(fd);
	buf[n] = 0;
	return n;
}

/* a number in /proc, or -2: a kernel may not have it */
static inline long long fx_number(const char *path)
{
	char b[32];

	return fx_slurp(path, b, sizeof(b)) > 0 ? atoll(b) : -2;
}

/* sets the login of the audit, where the kernel has one and lets us */
static inline void fx_set_login(const char *uid)
{
	int fd = open("/proc/thread-self/loginuid", O_WRONLY | O_CLOEXEC);
	ssize_t n = write(fd, uid, strlen(uid));

	(void)n; /* else all have the same */
	close(fd);
}

/* The open descriptors below 1024: F_GETFD (-1: closed) and F_GETFL of each. */
struct fx_fds {
	int fd[1024], fl[1024];
};

static inline void fx_fds_get(struct fx_fds *t)
{
	for (int i = 0; i < 1024; i++) {
		t->fd[i] = fcntl(i, F_GETFD);
		t->fl[i] = fcntl(i, F_GETFL);
		if ((t->fl[i] & O_TMPFILE) == O_TMPFILE) /* how it was opened; it means nothing later */
			t->fl[i] &= ~O_TMPFILE;
	}
}

static inline void fx_fds_check(const struct fx_fds *was)
{
	struct fx_fds is;

	fx_fds_get(&is);
	for (int i = 0; i < 1024; i++)
		CHECK(is.fd[i] == was->fd[i] && is.fl[i] == was->fl[i], "descriptor %d: close-on-exec %d (-1: closed) flags %#o, was %d %#o", i, is.fd[i],
		      is.fl[i], was->fd[i], was->fl[i]);
}
#endif
