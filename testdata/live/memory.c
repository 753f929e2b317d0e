/*
 * memory: every kind of mapping, in a parent and a child that share some. The
 * whole layout with its flags must come back, with its contents, and go on
 * working: growing stacks, faults, copy on write, sharing, files behind it.
 */
#include "maps.h"
#include <setjmp.h>

#define PG 4096UL
#define KB 1024UL
#define MB (1024 * KB)

struct area {
	const char *name;
	unsigned char *p;
	size_t n;
	uint64_t h;
};
static struct area A[40];
static int na;

/* Fill (seed > 0) and remember an area. */
static void *keep(const char *name, void *p, size_t n, uint64_t seed)
{
	MUST(p != MAP_FAILED);
	if (seed)
		fx_fill(p, n, seed);
	A[na] = (struct area){ name, p, n, fx_fnv(p, n, FX_FNV0) };
	return A[na++].p;
}

static struct area *find(const char *name)
{
	for (int i = 0; i < na; i++)
		if (!strcmp(A[i].name, name))
			return &A[i];
	MUST(!"area");
	return NULL;
}

static void check_contents(void)
{
	for (int i = 0; i < na; i++)
		CHECK(fx_fnv(A[i].p, A[i].n, FX_FNV0) == A[i].h, "contents of %s differ", A[i].name);
}

static void *anon(size_t n, int prot, int flags)
{
	void *p = mmap(NULL, n, prot, flags | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}
#define RW (PROT_READ | PROT_WRITE)

/* faults */
static sigjmp_buf jb;
static volatile int fault_sig, fault_code;
static void on_fault(int s, siginfo_t *si, void *u)
{
	fault_sig = s;
	fault_code = si->si_code;
	siglongjmp(jb, 1);
}

static int touch(volatile unsigned char *p, int write)
{
	fault_sig = 0;
	if (!sigsetjmp(jb, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	return fault_sig;
}

static unsigned char *guard, *grow, *hole, *sparse, *untouched, *exec_page, *shared, *shared_tail, *file_priv, *file_shared, *file_ro,
	*past_end, *memfd_map, *memfd_gone, *wipe, *dontfork, *cow, *none_data, *locked, *unlinked;
static int memfd;
static char data_path[220];

static int temp_file(const char *name, size_t n, char *path, int flags)
{
	char buf[PG];
	int fd;

	snprintf(path, 220, "%s/%s", fx_dir, name);
	MUST((fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) >= 0);
	memset(buf, 'f', sizeof(buf));
	for (; n; n -= n < PG ? n : PG)
		MUST(write(fd, buf, n < PG ? n : PG) > 0);
	return fd;
}

static void private_kinds(void)
{
	unsigned char *p;

	keep("read-write", anon(MB, RW, MAP_PRIVATE), MB, 1);
	p = keep("read-only", anon(256 * KB, RW, MAP_PRIVATE), 256 * KB, 2);
	MUST(!mprotect(p, 256 * KB, PROT_READ));
	exec_page = anon(PG, RW, MAP_PRIVATE);
	memcpy(exec_page, "\xb8\x2a\x00\x00\x00\xc3", 6); /* mov $42,%eax; ret */
	MUST(!mprotect(exec_page, PG, PROT_READ | PROT_EXEC));
	none_data = anon(64 * KB, RW, MAP_PRIVATE);
	fx_fill(none_data, 64 * KB, 4);
	MUST(!mprotect(none_data, 64 * KB, PROT_NONE)); /* contents behind a guard */
	guard = anon(MB, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
	untouched = anon(64 * MB, RW, MAP_PRIVATE | MAP_NORESERVE);
	sparse = anon(32 * MB, RW, MAP_PRIVATE);
	MUST(!madvise(sparse, 32 * MB, MADV_NOHUGEPAGE));
	for (size_t i = 0; i < 32 * MB; i += 16 * PG)
		sparse[i] = 1 + i / PG;
	hole = anon(16 * PG, RW, MAP_PRIVATE);
	for (int i = 0; i < 16; i++)
		hole[i * PG] = 'h';
	MUST(!munmap(hole + 4 * PG, 2 * PG) && !mprotect(hole + 8 * PG, 3 * PG, PROT_READ)); /* many small pieces */
	grow = mmap((void *)0x1f0000000000, 16 * PG, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0);
	fx_fill(grow, 16 * PG, 5);
	p = anon(8 * MB, RW, MAP_PRIVATE);
	p = (void *)(((uintptr_t)p + 2 * MB - 1) & ~(2 * MB - 1));
	MUST(!madvise(p, 4 * MB, MADV_HUGEPAGE));
	keep("huge pages", p, 4 * MB, 6);
	p = keep("advised", anon(64 * PG, RW, MAP_PRIVATE), 64 * PG, 7);
	madvise(p, 8 * PG, MADV_DONTDUMP);
	madvise(p + 8 * PG, 8 * PG, MADV_SEQUENTIAL);
	madvise(p + 16 * PG, 8 * PG, MADV_RANDOM);
	madvise(p + 24 * PG, 8 * PG, MADV_MERGEABLE);
	locked = keep("locked", anon(16 * PG, RW, MAP_PRIVATE), 16 * PG, 8);
	MUST(!mlock(locked, 8 * PG) && !mlock2(locked + 8 * PG, 8 * PG, MLOCK_ONFAULT));
	wipe = keep("wipe on fork", anon(PG, RW, MAP_PRIVATE), PG, 9);
	MUST(!madvise(wipe, PG, MADV_WIPEONFORK));
	dontfork = keep("not forked", anon(PG, RW, MAP_PRIVATE), PG, 10);
	MUST(!madvise(dontfork, PG, MADV_DONTFORK));
	cow = keep("copy on write", anon(MB, RW, MAP_PRIVATE), MB, 11);
}

static void file_kinds(void)
{
	char path[220];
	int fd, ro;

	fd = temp_file("mapped", 64 * PG, data_path, 0);
	file_priv = mmap(NULL, 32 * PG, RW, MAP_PRIVATE, fd, 16 * PG);
	memset(file_priv + 3 * PG, 'P', PG);
	memset(file_priv + 9 * PG + 5, 'Q', 10);
	keep("private file", file_priv, 32 * PG, 0);
	file_shared = mmap(NULL, 64 * PG, RW, MAP_SHARED, fd, 0);
	memset(file_shared + 8 * PG, 'S', PG);
	MUST((ro = open(data_path, O_RDONLY | O_CLOEXEC)) >= 0);
	file_ro = mmap(NULL, 8 * PG, PROT_READ, MAP_SHARED, ro, 8 * PG);
	keep("shared file", file_shared, 64 * PG, 0);
	keep("read-only file", file_ro, 8 * PG, 0);
	close(fd);
	close(ro);
	fd = temp_file("short", 2 * PG + 100, path, 0);
	past_end = mmap(NULL, 8 * PG, RW, MAP_PRIVATE, fd, 0);
	past_end[PG] = 'x';
	keep("short file", past_end, 3 * PG, 0);
	close(fd);
	fd = temp_file("unlinked", 4 * PG, path, 0);
	unlinked = mmap(NULL, 4 * PG, RW, MAP_PRIVATE, fd, 0);
	unlinked[2 * PG] = 'u';
	keep("unlinked file", unlinked, 4 * PG, 0);
	close(fd);
	if (!getenv("FX_NO_UNLINKED"))
		MUST(!unlink(path));
}

static void shared_kinds(void)
{
	int fd;

	shared = anon(64 * PG, RW, MAP_SHARED);
	fx_fill(shared, 64 * PG, 20);
	keep("shared", shared, 64 * PG, 0);
	shared_tail = anon(16 * PG, RW, MAP_SHARED);
	fx_fill(shared_tail, 16 * PG, 21);
	MUST(!munmap(shared_tail, 4 * PG)); /* its first mapped page is not its first */
	shared_tail += 4 * PG;
	keep("tail of shared", shared_tail, 12 * PG, 0);
	MUST((memfd = memfd_create("fixture", MFD_ALLOW_SEALING)) >= 0 && !ftruncate(memfd, 16 * PG));
	memfd_map = mmap(NULL, 8 * PG, RW, MAP_SHARED, memfd, 4 * PG);
	fx_fill(memfd_map, 8 * PG, 22);
	keep("memfd", memfd_map, 8 * PG, 0);
	MUST(!fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	MUST((fd = memfd_create("gone", MFD_CLOEXEC)) >= 0 && !ftruncate(fd, 4 * PG));
	memfd_gone = mmap(NULL, 4 * PG, RW, MAP_SHARED, fd, 0);
	keep("memfd without descriptor", memfd_gone, 4 * PG, 23);
	keep("private memfd", mmap(NULL, 4 * PG, RW, MAP_PRIVATE, fd, 0), 4 * PG, 0);
	A[na - 1].p[PG] = 'm';
	keep("private memfd", A[na - 1].p, 4 * PG, 0);
	A[na - 2] = A[na - 1];
	na--;
	close(fd);
}

static long resident(void)
{
	char b[256];
	long size, rss;

	MUST(fx_slurp("/proc/self/statm", b, sizeof(b)) > 0 && sscanf(b, "%ld %ld", &size, &rss) == 2);
	return rss;
}

static __attribute__((noinline)) int deep(int n)
{
	volatile char frame[8 * 1024];

	frame[0] = n;
	return n ? deep(n - 1) + (frame[0] == (char)n) : 0;
}

static void check_faults(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	CHECK(touch(guard + 5 * PG, 0) == SIGSEGV && fault_code == SEGV_ACCERR, "a guard page can be read: %d", fault_sig);
	CHECK(touch(find("read-only")->p, 1) == SIGSEGV, "read-only memory can be written");
	CHECK(touch(hole + 4 * PG, 0) == SIGSEGV && fault_code == SEGV_MAPERR, "unmapped memory can be read");
	CHECK(touch(past_end + 5 * PG, 0) == SIGBUS, "no SIGBUS past the end of a file: %d", fault_sig);
	CHECK(touch(grow - PG, 1) == 0 && touch(grow - 3 * PG, 1) == 0, "a stack mapping does not grow");
	CHECK(fx_fnv(grow, 16 * PG, FX_FNV0) == find("grows down")->h, "a growing stack lost its contents");
	CHECK(deep(300) == 300, "the stack does not grow");
	CHECK(((int (*)(void))exec_page)() == 42, "the code page does not run");
	MUST(!mprotect(none_data, 64 * KB, PROT_READ));
	CHECK(fx_fnv(none_data, 64 * KB, FX_FNV0) == find("behind a guard")->h, "memory behind PROT_NONE lost its contents");
	for (size_t i = 0; i < 64 * MB; i += MB)
		CHECK(!untouched[i], "untouched memory is not zero");
}

static void check_sharing(void)
{
	unsigned char b;
	int fd = open(data_path, O_RDONLY);

	file_shared[5] = 'Z';
	CHECK(pread(fd, &b, 1, 5) == 1 && b == 'Z', "a shared mapping is detached from its file");
	file_shared[8 * PG] = 'T';
	CHECK(file_ro[0] == 'T', "two mappings of a file are not of one file");
	CHECK(pread(fd, &b, 1, 19 * PG) == 1 && b == 'f', "a private page leaked into its file");
	close(fd);
	CHECK(pread(memfd, &b, 1, 4 * PG) == 1 && b == memfd_map[0], "memfd and its mapping differ");
	b = 200;
	CHECK(pwrite(memfd, &b, 1, 5 * PG) == 1 && memfd_map[PG] == 200, "memfd and its mapping are two");
	CHECK(fcntl(memfd, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW), "seals %#x", fcntl(memfd, F_GET_SEALS));
	CHECK(ftruncate(memfd, PG) == -1 && errno == EPERM, "a sealed memfd shrinks");
}

static void child(pid_t parent, int up)
{
	struct fx_who who;

	fx_name("child");
	memset(cow + 10 * PG, 'C', 4 * PG);
	na = 0;
	keep("copy on write in child", cow, MB, 0);
	keep("wiped in child", wipe, PG, 0);
	keep("shared in child", shared, 64 * PG, 0);
	keep("sparse in child", sparse, 32 * MB, 0);
	MUST(touch(dontfork, 0) == SIGSEGV && !wipe[0]);
	MUST(!munmap(untouched, 64 * MB));
	fx_maps_save(); /* before anybody captures it with smaps open */
	fx_who_get(&who);
	fx_enter("child");
	fx_wait_go();
	if (fx_broken("child-memory"))
		cow[17]++;
	if (fx_broken("child-maps"))
		munmap(guard, PG);
	fx_maps_check();
	fx_who_check(&who, 1);
	check_contents();
	fx_append(fx_path_roles + 0, "child-looked");
	while (shared[0] != 0x5a || shared_tail[1] != 0x5b || memfd_gone[2] != 0x5c)
		fx_msleep(2);
	shared[PG] = 0xa5;
	shared_tail[PG] = 0xa6;
	memfd_gone[PG] = 0xa7;
	memfd_map[2 * PG] = 0xa8;
	if (fx_broken("sharing"))
		memfd_map[2 * PG] = 0;
	fx_append(fx_path_result, "ok child-looked");
	fx_leave();
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	char *brk0, *more;
	long rss;
	pid_t c;

	fx_begin(argc, argv);
	sigaction(SIGSEGV, &sa, NULL);
	private_kinds();
	file_kinds();
	shared_kinds();
	keep("grows down", grow, 16 * PG, 0); /* with nothing below it */
	MUST(!mprotect(none_data, 64 * KB, PROT_READ));
	keep("behind a guard", none_data, 64 * KB, 0);
	MUST(!mprotect(none_data, 64 * KB, PROT_NONE));
	brk0 = sbrk(0);
	MUST(sbrk(5000) == brk0);
	memset(brk0, 'b', 5000);
	if (!(c = fork()))
		child(getppid(), 0);
	fx_await_roles(1);
	fx_enter("root");
	fx_maps_save();
	rss = resident();
	fx_ready();

	fx_wait_go();
	if (fx_broken("memory"))
		find("huge pages")->p[12345]++;
	if (fx_broken("protection"))
		mprotect(guard + PG, PG, PROT_READ);
	if (fx_broken("advice"))
		madvise(wipe, PG, MADV_KEEPONFORK);
	if (fx_broken("lock"))
		munlock(locked, PG);
	if (fx_broken("resident"))
		memset(untouched, 0, 64 * MB);
	fx_maps_check();
	CHECK(resident() < rss + 4096, "%ld pages are resident, were %ld", resident(), rss);
	MUST(!mprotect(none_data, 64 * KB, PROT_READ));
	check_contents();
	fx_await_roles(3); /* the child has looked, too */
	check_faults();
	check_sharing();
	more = sbrk(0);
	CHECK(more == brk0 + 5000 && sbrk(3 * MB) == more, "brk %p, was %p", more, brk0 + 5000);
	memset(more, 'c', 3 * MB);
	CHECK(brk0[4999] == 'b', "heap");
	shared[0] = 0x5a;
	shared_tail[1] = 0x5b;
	memfd_gone[2] = 0x5c;
	fx_join(c, "child");
	/* the one thing that memory mapped from an image does otherwise */
	if (fx_broken("dropped"))
		setenv("FX_MAPPED", "1", 1);
	memset(cow, 'd', 64 * KB);
	MUST(!madvise(cow, 64 * KB, MADV_DONTNEED));
	CHECK(!cow[5] == !getenv("FX_MAPPED"), "memory that was dropped holds %d", cow[5]);
	CHECK(shared[PG] == 0xa5 && shared_tail[PG] == 0xa6 && memfd_gone[PG] == 0xa7 && memfd_map[2 * PG] == 0xa8, "memory is no longer shared with the child");
	return fx_finish();
}
