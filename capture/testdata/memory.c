// Memory of every kind, filled with patterns: byte i of a page with seed s is
// (uint8_t)(s + i).
#include "fx.h"

static void fill(void *p, size_t n, int seed) {
	for (size_t i = 0; i < n; i++) ((uint8_t *)p)[i] = seed + i;
}
static void *map(size_t pages, int prot, int flags, int fd, off_t off) {
	void *p = mmap(NULL, pages * 4096, prot, flags, fd, off);
	CHECK(p != MAP_FAILED);
	return p;
}

int main(int argc, char **argv) {
	enum { RW = PROT_READ | PROT_WRITE, PA = MAP_PRIVATE | MAP_ANONYMOUS, SA = MAP_SHARED | MAP_ANONYMOUS };
	// Pages 1 and 3 of 5 are touched, page 4 only read.
	char *sparse = map(5, RW, PA, -1, 0);
	fill(sparse + 4096, 4096, 11);
	fill(sparse + 3 * 4096, 4096, 13);
	CHECK(*(volatile char *)(sparse + 4 * 4096) == 0);
	say("sparse %ld 5\n", (long)sparse);

	char *none = map(2, RW, PA, -1, 0);
	fill(none, 8192, 17);
	CHECK(mprotect(none, 8192, PROT_NONE) == 0);
	say("none %ld 2\n", (long)none);

	char *flags = map(4, RW, PA | MAP_NORESERVE, -1, 0);
	CHECK(madvise(flags, 4 * 4096, MADV_DONTFORK) == 0);
	CHECK(madvise(flags, 4 * 4096, MADV_NOHUGEPAGE) == 0);
	CHECK(madvise(flags, 4 * 4096, MADV_DONTDUMP) == 0);
	CHECK(mlock2(flags, 4 * 4096, MLOCK_ONFAULT) == 0);
	say("flags %ld 4\n", (long)flags);

	char *grow = map(2, RW, PA | MAP_GROWSDOWN, -1, 0);
	fill(grow, 8192, 19);
	say("grow %ld 2\n", (long)grow);

	char *shared = map(4, RW, SA, -1, 0);
	fill(shared + 4096, 4096, 23);
	say("shared %ld 4\n", (long)shared);

	int mfd = memfd_create("a name", MFD_ALLOW_SEALING);
	CHECK(mfd >= 0 && ftruncate(mfd, 10000) == 0);
	char *mem = map(3, RW, MAP_SHARED, mfd, 0);
	fill(mem + 8192, 1808, 29);
	char *cow = map(3, RW, MAP_PRIVATE, mfd, 0);
	cow[0] = 99;
	say("memfd %ld 3\n", (long)mem);
	say("memfdcow %ld 3\n", (long)cow);
	CHECK(fcntl(mfd, F_ADD_SEALS, F_SEAL_GROW) == 0);
	say("memfdfd %d 0\n", mfd);

	int fd = open("file", O_RDWR | O_CREAT, 0640);
	static char page[4096];
	for (int i = 0; i < 3; i++) {
		fill(page, 4096, 31 + i);
		CHECK(write(fd, page, 4096) == 4096);
	}
	char *priv = map(2, RW, MAP_PRIVATE, fd, 4096);
	fill(priv + 4096, 4096, 41); // the first page stays the file's
	char *fsh = map(3, RW, MAP_SHARED, fd, 0);
	say("private %ld 2\n", (long)priv);
	say("fileshared %ld 3\n", (long)fsh);
	close(fd);

	fd = open("gone", O_RDWR | O_CREAT, 0600);
	if (argc > 1) goto no_deleted_file;
	fill(page, 4096, 43);
	CHECK(pwrite(fd, page, 4096, 8192) == 4096 && pwrite(fd, page, 100, 12288) == 100);
	char *del = map(4, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	CHECK(unlink("gone") == 0);
	say("deleted %ld 4\n", (long)del);

no_deleted_file:;
	char *zero;
	fd = open("/dev/zero", O_RDWR);
	zero = map(1, RW, MAP_PRIVATE, fd, 0);
	close(fd);
	fill(zero, 4096, 47);
	say("zero %ld 1\n", (long)zero);
	char *heap = malloc(5000);
	fill(heap, 5000, 53);
	say("brk %ld 0\n", (long)sbrk(0));
	say("heap %ld 0\n", (long)heap);
	CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
	int pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_NAME, "child");
		sparse[4096] = 77;
		quiet();
		for (;;) pause();
	}
	ready();
	await_go();
	for (int i = 0; i < 4096; i++) CHECK((uint8_t)sparse[4096 + i] == (uint8_t)(11 + i));
	return 0;
}
