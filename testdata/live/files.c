/*
 * files: every kind of descriptor that is carried, in three processes: root, a
 * child that shares descriptions by fork, and a sibling that shares the very
 * table (CLONE_FILES). Nothing is looked at by path that was only open.
 */
#include "fx.h"
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static int kcmp(int a, int b)
{
	return syscall(SYS_kcmp, getpid(), getpid(), 0 /* KCMP_FILE */, a, b);
}

static void path_of(char *out, const char *name) { snprintf(out, 220, "%s/%s", fx_dir, name); }

static int open_at(const char *name, int flags)
{
	char p[220];
	int fd;

	path_of(p, name);
	MUST((fd = open(p, flags, 0640)) >= 0);
	return fd;
}

static void text(int fd, const char *s) { MUST(write(fd, s, strlen(s)) == (ssize_t)strlen(s)); }

/* the bytes from the current offset are s and nothing more than n of them */
static void reads(const char *what, int fd, const char *s)
{
	char b[4096] = "";
	int r = read(fd, b, strlen(s));

	CHECK(r == (int)strlen(s) && !memcmp(b, s, r), "%s: read %d \"%.40s\" (errno %d), not \"%.40s\"", what, r, b, r < 0 ? errno : 0, s);
}

static int reg, app, dup_reg, unlinked, shared_off, dir, null, zero, urnd, high, opath, ro, trunc_short, tmpf;
static long dir_pos;
static int pr[2], ppkt[2], phup[2], pfull[2], pclosed_r, fifo_rw, fifo_r, fifo_w, pbig[2];
static int ev, evsem, evbig, ep, ep2, tfd, tfd_abs, tfd_off, sfd, memfd, ep3;
static char dir_next[256];
static struct fx_fds fds_was;
static int64_t armed;

static void make_regular(void)
{
	char p[220];

	reg = open_at("reg", O_RDWR | O_CREAT);
	text(reg, "0123456789abcdefghij");
	MUST(lseek(reg, 5, SEEK_SET) == 5);
	dup_reg = fcntl(reg, F_DUPFD_CLOEXEC, 30);
	app = open_at("app", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC);
	text(app, "line 1\n");
	ro = open_at("reg", O_RDONLY | O_NOATIME);
	MUST(lseek(ro, 1000, SEEK_SET) == 1000);
	unlinked = open_at("unlinked", O_RDWR | O_CREAT);
	text(unlinked, "what an unlinked file holds");
	MUST(lseek(unlinked, 5, SEEK_SET) == 5);
	path_of(p, "unlinked");
	MUST(!unlink(p));
	shared_off = open_at("shared", O_RDWR | O_CREAT);
	text(shared_off, "shared offset");
	MUST(!lseek(shared_off, 0, SEEK_SET));
	high = fcntl(reg, F_DUPFD, 255);
	MUST(high == 255);
	opath = open_at("reg", O_PATH);
	trunc_short = open_at("sparse", O_RDWR | O_CREAT);
	MUST(!ftruncate(trunc_short, 1 << 20) && lseek(trunc_short, 1 << 19, SEEK_SET) == 1 << 19);
	MUST((tmpf = open(fx_dir, O_TMPFILE | O_RDWR, 0600)) >= 0);
	text(tmpf, "no name ever");
	MUST(lseek(tmpf, 3, SEEK_SET) == 3);
}

static void make_devices(void)
{
	char p[220], b[300];
	struct { uint64_t ino; int64_t off; unsigned short len; unsigned char type; char name[256]; } *d;
	int n, i;

	path_of(p, "dir");
	MUST(!mkdir(p, 0755));
	for (i = 0; i < 20; i++) {
		snprintf(b, sizeof(b), "dir/entry%d", i);
		close(open_at(b, O_CREAT | O_WRONLY));
	}
	dir = open_at("dir", O_RDONLY | O_DIRECTORY);
	MUST((n = syscall(SYS_getdents64, dir, b, 200)) > 0);
	dir_pos = lseek(dir, 0, SEEK_CUR);
	MUST((n = syscall(SYS_getdents64, dir, b, sizeof(b))) > 0);
	d = (void *)b;
	strcpy(dir_next, d->name);
	MUST(lseek(dir, dir_pos, SEEK_SET) == dir_pos);
	MUST((null = open("/dev/null", O_WRONLY)) >= 0 && (zero = open("/dev/zero", O_RDWR)) >= 0 && (urnd = open("/dev/urandom", O_RDONLY | O_NONBLOCK)) >= 0);
}

static void make_pipes(void)
{
	static char big[200000];
	char p[220], b[65536];
	int x[2];

	MUST(!pipe2(pr, O_NONBLOCK) && !pipe2(ppkt, O_DIRECT | O_NONBLOCK) && !pipe(phup) && !pipe(pfull) && !pipe(pbig));
	text(pr[1], "in the pipe");
	text(ppkt[1], "one");
	text(ppkt[1], "second packet");
	text(ppkt[1], "3");
	text(phup[1], "last words");
	close(phup[1]);
	MUST(!pipe(x));
	pclosed_r = x[1]; /* nobody reads it */
	close(x[0]);
	fx_fill(b, sizeof(b), 9);
	MUST(write(pfull[1], b, sizeof(b)) == sizeof(b));
	MUST(fcntl(pbig[1], F_SETPIPE_SZ, 1 << 18) == 1 << 18);
	fx_fill(big, sizeof(big), 10);
	MUST(write(pbig[1], big, sizeof(big)) == sizeof(big));
	path_of(p, "fifo");
	MUST(!mkfifo(p, 0600));
	fifo_rw = open_at("fifo", O_RDWR);
	fifo_r = open_at("fifo", O_RDONLY | O_NONBLOCK);
	fifo_w = open_at("fifo", O_WRONLY | O_CLOEXEC);
	text(fifo_w, "through the fifo");
}

static void make_anon(void)
{
	struct itimerspec it = { { 0, 300000000 }, { 0, 700000000 } };
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	sigset_t s;

	MUST((ev = eventfd(41, EFD_NONBLOCK)) >= 0 && (evsem = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK)) >= 0 && (evbig = eventfd(0, EFD_CLOEXEC)) >= 0);
	MUST(write(evbig, &(uint64_t){ 0xfffffffffffffffdULL }, 8) == 8);
	MUST((tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)) >= 0 && (tfd_off = timerfd_create(CLOCK_BOOTTIME, 0)) >= 0);
	MUST((tfd_abs = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK)) >= 0);
	armed = fx_now();
	MUST(!timerfd_settime(tfd, 0, &it, NULL));
	clock_gettime(CLOCK_REALTIME, &it.it_value);
	it.it_value.tv_sec += 3600;
	it.it_interval = (struct timespec){ 9, 0 };
	MUST(!timerfd_settime(tfd_abs, TFD_TIMER_ABSTIME, &it, NULL));
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigaddset(&s, 44);
	sigprocmask(SIG_BLOCK, &s, NULL);
	MUST((sfd = signalfd(-1, &s, SFD_NONBLOCK)) >= 0);
	MUST(!sigqueue(getpid(), 44, (union sigval){ .sival_int = 4444 }));
	MUST((memfd = memfd_create("file", MFD_ALLOW_SEALING)) >= 0);
	text(memfd, "memfd data");
	MUST(lseek(memfd, 6, SEEK_SET) == 6 && !fcntl(memfd, F_ADD_SEALS, F_SEAL_GROW));
	MUST((ep = epoll_create1(EPOLL_CLOEXEC)) >= 0 && (ep2 = epoll_create1(0)) >= 0);
	e.data.u64 = 0x1122334455667788ULL;
	MUST(!epoll_ctl(ep, EPOLL_CTL_ADD, pr[0], &e));
	e = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT, .data.u64 = 7 };
	MUST(!epoll_ctl(ep, EPOLL_CTL_ADD, evbig, &e));
	e = (struct epoll_event){ .events = 0, .data.u64 = 9 };
	MUST(!epoll_ctl(ep, EPOLL_CTL_ADD, tfd_off, &e));
	e = (struct epoll_event){ .events = EPOLLIN, .data.u64 = 10 };
	MUST(!epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &e)); /* an epoll in an epoll */
	e = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT, .data.u64 = 11 };
	MUST((ep3 = epoll_create1(0)) >= 0 && !epoll_ctl(ep3, EPOLL_CTL_ADD, ev, &e) && epoll_wait(ep3, &e, 1, 0) == 1);
}

static void check_regular(void)
{
	struct stat st;
	char p[220], b[100] = "";
	int fd;

	if (fx_broken("offset"))
		lseek(reg, 1, SEEK_CUR);
	reads("file", reg, "5678");
	reads("dup of file", dup_reg, "9a");
	reads("descriptor 255", high, "bc");
	CHECK(!kcmp(reg, dup_reg) && !kcmp(reg, high) && kcmp(reg, ro), "descriptions are not the same as before");
	CHECK(fcntl(dup_reg, F_GETFD) == FD_CLOEXEC && !fcntl(high, F_GETFD), "close-on-exec flags");
	if (fx_broken("flags"))
		fcntl(app, F_SETFL, 0);
	text(app, "line 2\n");
	CHECK(fcntl(app, F_GETFL) & O_APPEND, "O_APPEND is gone");
	path_of(p, "app");
	CHECK(fx_slurp(p, b, sizeof(b)) == 14 && !strcmp(b, "line 1\nline 2\n"), "appended file is \"%s\"", b);
	CHECK(lseek(ro, 0, SEEK_CUR) == 1000 && fcntl(ro, F_GETFL) & O_NOATIME, "read-only file: offset %ld", (long)lseek(ro, 0, SEEK_CUR));
	if (fx_broken("unlinked"))
		MUST(!ftruncate(unlinked, 0));
	reads("unlinked file", unlinked, "an unlinked file holds");
	CHECK(!fstat(unlinked, &st) && st.st_size == 27 && st.st_nlink == 0, "unlinked file: size %ld, %ld links", (long)st.st_size, (long)st.st_nlink);
	path_of(p, "unlinked");
	CHECK(access(p, F_OK), "the unlinked file has its name again");
	reads("file without a name", tmpf, "name ever");
	CHECK(!fstat(tmpf, &st) && st.st_nlink == 0, "file without a name: %ld links", (long)st.st_nlink);
	CHECK(read(opath, b, 1) == -1 && errno == EBADF && fcntl(opath, F_GETFL) & O_PATH, "O_PATH descriptor");
	CHECK(lseek(trunc_short, 0, SEEK_CUR) == 1 << 19 && !fstat(trunc_short, &st) && st.st_size == 1 << 20, "sparse file");
	CHECK((fd = open_at("fifo", O_RDONLY | O_NONBLOCK)) >= 0 && !close(fd), "fifo cannot be opened");
}

static void check_devices(void)
{
	struct { uint64_t ino; int64_t off; unsigned short len; unsigned char type; char name[280]; } *d;
	char b[300], z[8] = "xxxxxxx";

	if (fx_broken("directory"))
		lseek(dir, 0, SEEK_SET);
	CHECK(lseek(dir, 0, SEEK_CUR) == dir_pos, "directory position %ld, was %ld", (long)lseek(dir, 0, SEEK_CUR), dir_pos);
	d = (void *)b;
	CHECK(syscall(SYS_getdents64, dir, b, sizeof(b)) > 0 && !strcmp(d->name, dir_next), "next entry of the directory is not %s", dir_next);
	CHECK(write(null, "x", 1) == 1, "/dev/null");
	CHECK(read(zero, z, 8) == 8 && !memcmp(z, "\0\0\0\0\0\0\0\0", 8), "/dev/zero");
	CHECK(read(urnd, z, 8) == 8 && fcntl(urnd, F_GETFL) & O_NONBLOCK, "/dev/urandom");
}

/* n bytes of the pattern are in the pipe */
static void check_pattern(const char *what, int fd, int n, int seed)
{
	static unsigned char got[200000], want[200000];
	int have = 0, r;

	fx_fill(want, n, seed);
	while (have < n && (r = read(fd, got + have, n - have)) > 0)
		have += r;
	CHECK(have == n && !memcmp(got, want, n), "%s: its %d bytes differ", what, n);
}

static void check_pipes(void)
{
	char b[100];
	struct pollfd p;
	int r;

	if (fx_broken("pipe"))
		(void)!read(pr[0], b, 1);
	reads("pipe", pr[0], "in the pipe");
	CHECK(read(pr[0], b, 1) == -1 && errno == EAGAIN, "the pipe is not empty or blocks");
	text(pr[1], "again");
	reads("pipe", pr[0], "again");
	if (fx_broken("packets"))
		(void)!read(ppkt[0], b, 2);
	CHECK((r = read(ppkt[0], b, 100)) == 3 && !memcmp(b, "one", 3), "first packet: %d bytes", r);
	CHECK((r = read(ppkt[0], b, 100)) == 13, "second packet: %d bytes", r);
	CHECK((r = read(ppkt[0], b, 100)) == 1, "third packet: %d bytes", r);
	CHECK(fcntl(ppkt[1], F_GETFL) & O_DIRECT, "the packet pipe is no longer one");
	reads("hung-up pipe", phup[0], "last words");
	CHECK(read(phup[0], b, 1) == 0, "the hung-up pipe has a writer");
	p = (struct pollfd){ pclosed_r, POLLOUT, 0 };
	CHECK(poll(&p, 1, 0) == 1 && p.revents & POLLERR, "the pipe nobody reads has a reader: %#x", p.revents);
	p = (struct pollfd){ pfull[1], POLLOUT, 0 };
	CHECK(poll(&p, 1, 0) == 0, "the full pipe is not full");
	check_pattern("full pipe", pfull[0], 65536, 9);
	CHECK(fcntl(pbig[0], F_GETPIPE_SZ) == 1 << 18, "pipe size %d", fcntl(pbig[0], F_GETPIPE_SZ));
	check_pattern("big pipe", pbig[0], 200000, 10);
	if (fx_broken("fifo"))
		(void)!read(fifo_r, b, 3);
	reads("fifo", fifo_r, "through the fifo");
	text(fifo_rw, "and on");
	reads("fifo", fifo_rw, "and on");
	CHECK(fcntl(fifo_w, F_GETFD) == FD_CLOEXEC && fcntl(fifo_r, F_GETFL) & O_NONBLOCK, "flags of the fifo");
}

static void check_epoll(void)
{
	struct epoll_event e[5];
	int n;

	n = epoll_wait(ep2, e, 5, 0);
	CHECK(n == 1 && e[0].data.u64 == 10, "nested epoll: %d events", n);
	n = epoll_wait(ep, e, 5, 0);
	CHECK(n == 2, "epoll: %d events", n);
	for (int i = 0; i < n; i++)
		CHECK((e[i].data.u64 == 7 || e[i].data.u64 == 0x1122334455667788ULL) && e[i].events & EPOLLIN, "epoll: event %#x of %llx", e[i].events, (unsigned long long)e[i].data.u64);
	CHECK(epoll_wait(ep, e, 5, 0) == 0, "epoll: edge-triggered and one-shot events are told twice");
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, tfd_off, NULL) == 0, "epoll: an idle member is gone");
	CHECK(epoll_wait(ep3, e, 5, 0) == 0, "epoll: a one-shot event of before is told again");
	e[0] = (struct epoll_event){ .events = EPOLLIN, .data.u64 = 12 };
	CHECK(!epoll_ctl(ep3, EPOLL_CTL_MOD, ev, e) && epoll_wait(ep3, e, 5, 0) == 1 && e[0].data.u64 == 12, "epoll: a spent one-shot member cannot be armed again");
}

/* Before Linux 6.5 nothing tells that an eventfd is a semaphore; a capture warns. */
static int tells_semaphores(int fd)
{
	char path[64], b[512];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return fx_slurp(path, b, sizeof(b)) > 0 && strstr(b, "eventfd-semaphore");
}

static void check_anon(void)
{
	struct signalfd_siginfo si;
	struct itimerspec it;
	uint64_t v = 0, runs;
	int r;

	if (fx_broken("epoll"))
		epoll_ctl(ep, EPOLL_CTL_DEL, evbig, NULL);
	check_epoll();
	if (fx_broken("eventfd"))
		(void)!write(ev, &(uint64_t){ 1 }, 8);
	CHECK(read(ev, &v, 8) == 8 && v == 41, "eventfd holds %llu", (unsigned long long)v);
	if (tells_semaphores(evsem)) {
		CHECK(read(evsem, &v, 8) == 8 && v == 1 && read(evsem, &v, 8) == 8 && v == 1 && read(evsem, &v, 8) == 8, "semaphore eventfd");
		CHECK(read(evsem, &v, 8) == -1 && errno == EAGAIN, "semaphore eventfd is not at its end");
	}
	CHECK(read(evbig, &v, 8) == 8 && v == 0xfffffffffffffffdULL, "big eventfd holds %llx", (unsigned long long)v);
	if (fx_broken("timerfd"))
		timerfd_settime(tfd, 0, &(struct itimerspec){ { 0 }, { 99, 0 } }, NULL);
	CHECK(!timerfd_gettime(tfd, &it) && it.it_interval.tv_nsec == 300000000 && it.it_value.tv_sec == 0 && it.it_value.tv_nsec <= 700000000, "timerfd: %ld.%09ld left",
	      (long)it.it_value.tv_sec, it.it_value.tv_nsec);
	CHECK(!timerfd_gettime(tfd_abs, &it) && it.it_interval.tv_sec == 9 && it.it_value.tv_sec <= 3600 && it.it_value.tv_sec > 3590 - (fx_now() - armed) / 1000000000, "absolute timerfd: %ld left", (long)it.it_value.tv_sec);
	CHECK(!timerfd_gettime(tfd_off, &it) && !it.it_value.tv_sec && !it.it_value.tv_nsec, "the disarmed timerfd runs");
	for (int64_t end = fx_now() + FX_PATIENCE; (r = read(tfd, &runs, 8)) == -1 && errno == EAGAIN && !fx_fails && fx_now() < end;)
		usleep(10000);
	CHECK(r == 8 && fx_now() - armed >= 700000000, "timerfd expired after %lld ms", (long long)(fx_now() - armed) / 1000000);
	if (fx_broken("signalfd"))
		signalfd(sfd, &(sigset_t){ 0 }, 0);
	kill(getpid(), SIGUSR1);
	CHECK(read(sfd, &si, sizeof(si)) == sizeof(si) && si.ssi_signo == SIGUSR1, "signalfd: no SIGUSR1");
	CHECK(read(sfd, &si, sizeof(si)) == sizeof(si) && si.ssi_signo == 44 && si.ssi_int == 4444, "signalfd: no signal 44");
	CHECK(read(sfd, &si, sizeof(si)) == -1 && errno == EAGAIN, "signalfd: more signals");
	if (fx_broken("memfd"))
		lseek(memfd, 0, SEEK_SET);
	reads("memfd", memfd, "data");
	CHECK(fcntl(memfd, F_GET_SEALS) == F_SEAL_GROW && write(memfd, "x", 1) == -1 && errno == EPERM, "seals of the memfd");
}

/* The forked child reads 6 bytes at the shared offset; root then reads the rest. */
static void forked(void)
{
	fx_fds_get(&fds_was);
	fx_enter("forked");
	fx_wait_go();
	fx_fds_check(&fds_was);
	reads("shared offset, first", shared_off, "shared");
	fx_leave();
}

/* Shares root's descriptor table, but not its memory. */
static int sharer(void *a)
{
	char p[220];
	int fd;

	fx_append(fx_path_roles, "sharer");
	path_of(p, "settled"); /* it has closed what root would see */
	MUST(!mkdir(p, 0700));
	path_of(p, "checked");
	while (access(p, F_OK))
		usleep(3000);
	fd = open("/proc/self/comm", O_RDONLY);
	if (!fx_broken("table"))
		dup2(fd, 300);
	fx_append(fx_path_result, "ok sharer");
	_exit(0);
}

int main(int argc, char **argv)
{
	static char stack[65536];
	pid_t f, s;
	char p[220];

	fx_begin(argc, argv);
	make_regular();
	make_devices();
	make_pipes();
	make_anon();
	if (!(f = fork()))
		forked();
	MUST((s = clone(sharer, stack + sizeof(stack), CLONE_FILES | SIGCHLD, NULL)) > 0);
	fx_await_roles(2);
	for (path_of(p, "settled"); access(p, F_OK);)
		usleep(1000);
	fx_enter("root");
	fx_fds_get(&fds_was);
	fx_ready();
	fx_wait_go();
	if (fx_broken("fds"))
		close(pbig[1]);
	fx_fds_check(&fds_was);
	fx_join(f, "forked");
	reads("shared offset, second", shared_off, " offset");
	check_regular();
	check_devices();
	check_anon(); /* the epoll first: reading a pipe changes what it tells */
	check_pipes();
	CHECK(fcntl(300, F_GETFD) == -1, "descriptor 300 is open");
	path_of(p, "checked");
	close(open(p, O_CREAT | O_WRONLY, 0600));
	fx_join(s, "sharer");
	CHECK(fcntl(300, F_GETFD) >= 0, "the table is no longer shared with the sharer");
	return fx_finish();
}
