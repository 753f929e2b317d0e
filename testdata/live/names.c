/*
 * names: files and directories whose names are gone, moved or not followed.
 *
 *   root   has them all: O_PATH descriptors of a file, a directory, a link that
 *   |      leads nowhere, a fifo, a socket and a removed file; a removed
 *   |      directory, and a file in one that is removed; a file with another
 *   |      name, one in another directory, one whose name another file has; a
 *   |      directory half read; a sparse file
 *   `- cwd stands in a removed directory
 */
#include "fx.h"
#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>

static char buf[8][220];
static char *in(const char *name)
{
	static int k;
	char *p = buf[k++ % 8];

	snprintf(p, sizeof(buf[0]), "%s/%s", fx_dir, name);
	return p;
}

static int make(const char *name, const char *text)
{
	int fd = open(in(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static void holds(int fd, const char *text, int links)
{
	struct stat st;
	char b[100] = "";

	CHECK(!fstat(fd, &st) && (int)st.st_nlink == links, "%s: %d links, were %d", text, (int)st.st_nlink, links);
	CHECK(pread(fd, b, sizeof(b) - 1, 0) == (ssize_t)strlen(text) && !strcmp(b, text), "%s: holds %s", text, b);
}

static void is_same(int fd, const char *name)
{
	struct stat a, b;

	CHECK(!fstat(fd, &a) && !lstat(in(name), &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_mode == b.st_mode, "%s is another file", name);
}

static int path_only(const char *name, int more)
{
	int fd = open(in(name), O_PATH | O_CLOEXEC | more);

	MUST(fd >= 0);
	return fd;
}

static void cwd(void)
{
	struct fx_who who;
	char b[300];

	MUST(!mkdir(in("home"), 0750) && !chdir(in("home")) && !rmdir(in("home")));
	fx_enter("cwd");
	fx_who_get(&who);
	fx_wait_go();
	fx_who_check(&who, 1);
	if (fx_broken("cwd"))
		MUST(!chdir(fx_dir));
	CHECK(!getcwd(b, sizeof(b)) && errno == ENOENT, "the directory is %.200s", b);
	CHECK(mkdir("child", 0700) == -1 && errno == ENOENT, "something can be made in a removed directory");
	CHECK(readlink("/proc/self/cwd", b, sizeof(b)) > 0 && strstr(b, "/home"), "cwd is %.200s", b);
	fx_leave();
}

int main(int argc, char **argv)
{
	int op[6], rdir, inner, linked, moved, replaced, half, sparse, i, n, flags[6];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	static const char *names[] = { "plain", "folder", "link", "fifo", "socket" };
	struct stat st;
	char ents[2][4096], name[16];
	pid_t c;
	long pos;

	fx_begin(argc, argv);
	MUST(make("plain", "plain") >= 0 && !mkdir(in("folder"), 0700) && !symlink("nowhere", in("link")) && !mkfifo(in("fifo"), 0600));
	strcpy(a.sun_path, in("socket"));
	MUST(!bind(n = socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof(a)) && !close(n));
	for (i = 0; i < 5; i++)
		op[i] = path_only(names[i], O_NOFOLLOW);
	make("lost", "lost");
	op[5] = path_only("lost", 0);
	MUST(!unlink(in("lost")));
	MUST(!mkdir(in("removed"), 0711) && (rdir = open(in("removed"), O_RDONLY | O_DIRECTORY)) >= 0 && !rmdir(in("removed")));
	MUST(!mkdir(in("deep"), 0700) && !mkdir(in("deep/er"), 0700));
	inner = make("deep/er/file", "in a removed directory");
	MUST(!unlink(in("deep/er/file")) && !rmdir(in("deep/er")) && !rmdir(in("deep")));
	linked = make("first", "linked");
	MUST(!link(in("first"), in("second")) && !unlink(in("first")));
	moved = make("here", "moved");
	MUST(!mkdir(in("away"), 0700) && !rename(in("here"), in("away/there")));
	replaced = make("twice", "replaced");
	MUST(!unlink(in("twice")));
	close(make("twice", "another"));
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "folder/%d", i);
		close(make(name, ""));
	}
	MUST((half = open(in("folder"), O_RDONLY | O_DIRECTORY)) >= 0 && syscall(SYS_getdents64, half, ents[0], 1000) > 0);
	pos = lseek(half, 0, SEEK_CUR);
	sparse = make("sparse", "x");
	MUST(!ftruncate(sparse, 1L << 40) && lseek(sparse, 1L << 39, SEEK_SET) == 1L << 39 && !unlink(in("sparse")));
	for (i = 0; i < 6; i++)
		flags[i] = fcntl(op[i], F_GETFL);
	if (!(c = fork()))
		cwd();
	fx_await_roles(1);
	fx_enter("root");
	fx_ready();
	fx_wait_go();
	if (fx_broken("contents"))
		MUST(pwrite(inner, "IN", 2, 0) == 2);
	if (fx_broken("links"))
		MUST(!unlink(in("second")));
	if (fx_broken("flags"))
		MUST(dup2(replaced, op[2]) == op[2]);
	for (i = 0; i < 5; i++)
		is_same(op[i], names[i]);
	for (i = 0; i < 6; i++)
		CHECK(fcntl(op[i], F_GETFL) == flags[i], "O_PATH %d: flags %#x, were %#x", i, fcntl(op[i], F_GETFL), flags[i]);
	CHECK(!fstat(op[5], &st) && st.st_nlink == 0 && st.st_size == 4 && read(op[5], name, 1) == -1, "the removed file of O_PATH");
	CHECK(!fstat(rdir, &st) && S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0711 && st.st_nlink == 0, "removed directory: mode %o, %d links", st.st_mode, (int)st.st_nlink);
	CHECK(access(in("removed"), F_OK) && access(in("deep"), F_OK) && access(in("first"), F_OK) && access(in("home"), F_OK), "a removed name is there");
	holds(inner, "in a removed directory", 0);
	holds(linked, "linked", 1);
	is_same(linked, "second");
	holds(moved, "moved", 1);
	is_same(moved, "away/there");
	holds(replaced, "replaced", 0);
	CHECK(lseek(half, 0, SEEK_CUR) == pos, "directory read to %ld, was %ld", (long)lseek(half, 0, SEEK_CUR), pos);
	n = syscall(SYS_getdents64, half, ents[1], sizeof(ents[1]));
	CHECK(n > 0, "the rest of the directory: %s", strerror(errno));
	CHECK(!fstat(sparse, &st) && st.st_size == 1L << 40 && st.st_blocks < 100 && lseek(sparse, 0, SEEK_CUR) == 1L << 39, "sparse file: %ld blocks", (long)st.st_blocks);
	fx_join(c, "cwd");
	return fx_finish();
}
