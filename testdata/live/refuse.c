/*
 * refuse: holds one thing (ARG) that a capture has to refuse, and proves
 * afterwards that the refused capture has left it alone.
 */
#include "fx.h"
#include <arpa/inet.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <net/ethernet.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>

static int fd = -1, fds[2] = { -1, -1 };

static int file(void)
{
	char p[220];

	snprintf(p, sizeof(p), "%s/locked", fx_dir);
	return open(p, O_RDWR | O_CREAT, 0600);
}

/* The other end is held by a process of another session, which nobody here leads. */
static int k_unix(void)
{
	char byte;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return 1;
	if (!(child = fork())) {
		setsid();
		if (fork())
			_exit(0);
		close(fds[0]);
		while (read(fds[1], &byte, 1) == 1 && write(fds[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	close(fds[1]);
	fds[1] = fds[0];
	return waitpid(child, NULL, 0) != child;
}
static int k_inet(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return (fd = socket(AF_INET, SOCK_STREAM, 0)) < 0 || bind(fd, (void *)&a, sizeof(a)) || listen(fd, 1);
}
static int k_netlink(void) { return (fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)) < 0; }
static int k_packet(void) { return (fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))) < 0; }
static int k_inotify(void) { return (fd = inotify_init1(0)) < 0 || inotify_add_watch(fd, fx_dir, IN_DELETE_SELF) < 0; }
static int k_fanotify(void) { return (fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY)) < 0; }
static int k_lease(void) { return (fd = file()) < 0 || fcntl(fd, F_SETLEASE, F_WRLCK); }
static int k_seccomp(void)
{
	struct sock_filter f[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog p = { 1, f };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p);
}
static int k_userfaultfd(void) { return (fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY)) < 0; }
static int k_io_uring(void)
{
	struct io_uring_params p = { 0 };

	return (fd = syscall(SYS_io_uring_setup, 4, &p)) < 0;
}
static int k_pidfd(void) { return (fd = syscall(SYS_pidfd_open, getpid(), 0)) < 0; }
static int k_nsfile(void) { return (fd = open("/proc/self/ns/net", O_RDONLY)) < 0; }
static int k_procfile(void) { return (fd = open("/proc/self/maps", O_RDONLY)) < 0; }
static int k_hugetlb(void) { return mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) == MAP_FAILED; }
static int k_userns(void) { return unshare(CLONE_NEWUSER); }
static int k_netns(void) { return unshare(CLONE_NEWNET); }
static int armed[2]; /* a child says here that it will die with its parent */
static int await_armed(void)
{
	char c;

	close(armed[1]);
	return read(armed[0], &c, 1) != 1 || close(armed[0]);
}
static int apart(int flags) /* a child in another namespace */
{
	int p[2];
	char c;

	if (pipe(p))
		return 1;
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(flags) || write(p[1], "x", 1) != 1)
			_exit(1);
		close(p[0]), close(p[1]);
		for (;;)
			pause();
	}
	close(p[1]);
	return read(p[0], &c, 1) != 1 || close(p[0]);
}
static int k_utsns(void) { return apart(CLONE_NEWUTS); }
static int k_ipcns(void) { return apart(CLONE_NEWIPC); }
static int k_mntns(void) { return apart(CLONE_NEWNS); }
static int k_mount(void)
{
	return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("foreign", "/mnt", "ramfs", 0, NULL);
}
static int k_pidns_child(void) /* a child in a nested pid namespace */
{
	pid_t p;

	if (unshare(CLONE_NEWPID) || pipe(armed))
		return 1;
	if (!(p = fork()))
		for (prctl(PR_SET_PDEATHSIG, SIGKILL), write(armed[1], "x", 1);;)
			pause();
	return p < 0 || await_armed();
}
static int k_aio(void)
{
	aio_context_t c = 0;

	return syscall(SYS_io_setup, 4, &c);
}
static int k_deadline(void)
{
	struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t prio; uint64_t runtime, deadline, period; } a =
		{ 48, 6, 0, 0, 0, 1000000, 10000000, 10000000 };

	return syscall(SYS_sched_setattr, 0, &a, 0);
}
static int k_traced(void) /* a child that root traces; it is stopped */
{
	pid_t p = fork();
	int st;

	if (!p) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	return p < 0 || waitpid(p, &st, 0) != p || !WIFSTOPPED(st);
}
static int k_vfork(void) /* a child that waits for the end of its own, by vfork */
{
	pid_t p;

	if (pipe(armed))
		return 1;
	p = fork();
	if (!p) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!vfork())
			for (prctl(PR_SET_PDEATHSIG, SIGKILL), write(armed[1], "x", 1);;)
				syscall(SYS_pause);
		_exit(0);
	}
	return p < 0 || await_armed();
}
static int k_mqueue(void) { return (fd = syscall(SYS_mq_open, "fixture", O_RDWR | O_CREAT, 0600, NULL)) < 0; }
static int k_memfd_secret(void)
{
	fd = syscall(447 /* memfd_secret */, 0);
	return fd < 0 || ftruncate(fd, 4096) || mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED;
}
static int k_pkey(void)
{
	int k = syscall(SYS_pkey_alloc, 0, 0);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return k < 0 || syscall(SYS_pkey_mprotect, p, 4096, PROT_READ | PROT_WRITE, k);
}
static int k_landlock(void)
{
	struct landlock_ruleset_attr a = { .handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_SOCK };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || (fd = syscall(SYS_landlock_create_ruleset, &a, sizeof(a), 0)) < 0;
}
static int k_tty(void) { return (fd = open("/dev/ptmx", O_RDWR | O_NOCTTY)) < 0; }
static int k_async(void)
{
	if (pipe(fds))
		return 1;
	fd = fds[0];
	return fcntl(fd, F_SETOWN, getppid()) || fcntl(fd, F_SETFL, O_ASYNC);
}
static char selector; /* 0: system calls go through */
static int k_dispatch(void) { return prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, 0, 0, &selector); }
static int sem_id = -1;
static int k_semundo(void)
{
	struct sembuf op = { 0, 1, SEM_UNDO };

	return (sem_id = semget(IPC_PRIVATE, 1, 0600)) < 0 || semop(sem_id, &op, 1);
}
static int k_none(void) { return 0; }

static struct {
	const char *name;
	int (*fn)(void);
} K[] = {
	{ "unix", k_unix }, { "inet", k_inet }, { "netlink", k_netlink }, { "packet", k_packet }, { "inotify", k_inotify },
	{ "fanotify", k_fanotify }, { "lease", k_lease },
	{ "seccomp", k_seccomp }, { "userfaultfd", k_userfaultfd }, { "io_uring", k_io_uring }, { "pidfd", k_pidfd }, { "nsfile", k_nsfile },
	{ "procfile", k_procfile }, { "hugetlb", k_hugetlb }, { "userns", k_userns },
	{ "netns", k_netns }, { "utsns", k_utsns }, { "ipcns", k_ipcns }, { "mntns", k_mntns }, { "mount", k_mount }, { "pidns", k_pidns_child }, { "aio", k_aio },
	{ "deadline", k_deadline }, { "traced", k_traced }, { "vfork", k_vfork }, { "mqueue", k_mqueue }, { "memfd-secret", k_memfd_secret }, { "pkey", k_pkey },
	{ "landlock", k_landlock }, { "tty", k_tty }, { "async", k_async }, { "dispatch", k_dispatch },
	{ "semundo", k_semundo }, { "none", k_none },
};


int main(int argc, char **argv)
{
	char was[4096], is[4096], path[64];
	struct fx_who who;
	struct fx_fds fds_was;
	unsigned i;

	fx_begin(argc, argv);
	MUST(argc > 2);
	for (i = 0; i < sizeof(K) / sizeof(*K); i++)
		if (!strcmp(K[i].name, argv[2]))
			break;
	MUST(i < sizeof(K) / sizeof(*K));
	if (K[i].fn()) { /* this kernel, or this user, has it not */
		dprintf(2, "unavailable: %s: %m\n", argv[2]);
		_exit(77);
	}
	fx_enter("root");
	fx_who_get(&who);
	fx_fds_get(&fds_was);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd < 0 ? 0 : fd);
	MUST(fx_slurp(path, was, sizeof(was)) >= 0);
	fx_ready();
	fx_wait_go();
	if (fx_broken("fds"))
		close(2);
	fx_who_check(&who, 0);
	fx_fds_check(&fds_was);
	CHECK(fx_slurp(path, is, sizeof(is)) >= 0 && !strcmp(was, is), "%s differs", path);
	if (fds[0] >= 0 && strcmp(argv[2], "async"))
		CHECK(write(fds[0], "x", 1) == 1 && read(fds[1], is, 1) == 1, "the socket pair is broken");
	if (sem_id >= 0)
		semctl(sem_id, 0, IPC_RMID);
	if (!strcmp(argv[2], "mqueue"))
		syscall(SYS_mq_unlink, "fixture");
	return fx_finish();
}
