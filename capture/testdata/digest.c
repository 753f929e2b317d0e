// Files that are mapped and open in all ways that make a difference to whether
// their contents can change; the test has made them.
#include "fx.h"

enum { SIZE = 4096 };

static volatile char *map(const char *name, int flags, int prot, int share) {
	int fd = open(name, flags);
	CHECK(fd >= 0);
	char *p = mmap(NULL, SIZE, prot, share, fd, 0);
	CHECK(p != MAP_FAILED && close(fd) == 0);
	return p;
}

int main(void) {
	int child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		map("of-the-child", O_RDONLY, PROT_READ, MAP_PRIVATE);
		quiet();
		await_go();
		_exit(0);
	}
	volatile char *own = map("mapped", O_RDONLY, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	own[7] = 'x'; // a page of its own, not of the file
	map("shared", O_RDONLY, PROT_READ, MAP_SHARED);
	map("may-write", O_RDWR, PROT_READ, MAP_SHARED);
	map("writes", O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK(open("read", O_RDONLY) >= 0 && open("empty", O_RDONLY) >= 0);
	CHECK(open("path", O_PATH) >= 0);
	CHECK(open("written", O_RDONLY) >= 0 && open("written", O_WRONLY | O_APPEND) >= 0);
	CHECK(open("removed", O_RDONLY) >= 0 && unlink("removed") == 0);
	CHECK(open("/proc/meminfo", O_RDONLY) >= 0);
	ready();
	await_go();
	int st;
	CHECK(waitpid(child, &st, 0) == child && WIFEXITED(st) && WEXITSTATUS(st) == 0);
	return 0;
}
