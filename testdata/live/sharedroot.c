/*
 * sharedroot: a process and its child share the place in the file system
 * (CLONE_FS) and nothing else. The child has many files open by names; then the
 * parent changes the root of both, in which those names mean nothing.
 */
#include "fx.h"

enum { FILES = 300 };
static struct stat was[FILES];
static int fds[FILES];

static void check_root(void)
{
	char cwd[8];

	if (fx_broken("cwd"))
		MUST(!chdir("/sub"));
	CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"), "working directory is not the root");
	CHECK(!access("/inside", F_OK), "another root");
}

static void child(int up)
{
	char path[220];
	struct fx_who who;
	struct stat st;
	int i;

	fx_name("child");
	for (i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/file%d", fx_dir, i);
		MUST((fds[i] = open(path, O_RDWR | O_CREAT, 0600)) >= 0);
		MUST(write(fds[i], path, i % 100) == i % 100 && !fstat(fds[i], &was[i]));
	}
	MUST(write(up, "x", 1) == 1);
	while (access("/inside", F_OK))
		usleep(1000);
	close(up);
	strcpy(fx_path_roles, "/roles");
	strcpy(fx_path_go, "/go");
	strcpy(fx_path_result, "/result");
	fx_who_get(&who);
	fx_enter("child");
	fx_wait_go();
	if (fx_broken("file"))
		dup2(fds[0], fds[7]);
	for (i = 0; i < FILES; i++) {
		CHECK(!fstat(fds[i], &st) && st.st_ino == was[i].st_ino, "descriptor %d is another file", fds[i]);
		CHECK(lseek(fds[i], 0, SEEK_CUR) == i % 100, "descriptor %d at another place", fds[i]);
	}
	check_root();
	fx_who_check(&who, 1);
	fx_leave();
}

int main(int argc, char **argv)
{
	char path[220], c;
	int up[2], fd;
	pid_t pid;

	fx_begin(argc, argv);
	MUST(!pipe(up));
	pid = syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	MUST(pid >= 0);
	if (!pid) {
		close(up[0]);
		child(up[1]);
	}
	close(up[1]);
	MUST(read(up[0], &c, 1) == 1);
	snprintf(path, sizeof(path), "%s/sub", fx_dir);
	MUST(!mkdir(path, 0700));
	MUST(!chdir(fx_dir) && !chroot("."));
	MUST((fd = open("/inside", O_WRONLY | O_CREAT, 0600)) >= 0);
	close(fd);
	MUST(read(up[0], &c, 1) == 0);
	close(up[0]);
	strcpy(fx_path_roles, "/roles");
	strcpy(fx_path_go, "/go");
	strcpy(fx_path_result, "/result");
	strcpy(fx_path_ready, "/ready");
	fx_enter("root");
	fx_await_roles(2);
	fx_ready();
	fx_wait_go();
	check_root();
	fx_join(pid, "child");
	return fx_finish();
}
