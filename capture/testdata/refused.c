// Everything that capture refuses, in one tree.
#include "fx.h"
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

static int child(const char *name, void (*f)(void)) {
	int pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		f();
		quiet();
		for (;;) pause();
	}
	say("%s %d 0\n", name, pid);
	return pid;
}
static void c_seccomp(void) {
	struct sock_filter f[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
	struct sock_fprog p = {1, f};
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == 0);
}
static void c_shm(void) { /* of a namespace that nobody is in */
	int old = open("/proc/self/ns/ipc", O_RDONLY), id;
	CHECK(old >= 0 && unshare(CLONE_NEWIPC) == 0 && (id = shmget(IPC_PRIVATE, 4096, 0600)) >= 0);
	CHECK(shmat(id, NULL, 0) != (void *)-1 && setns(old, 0) == 0);
	close(old);
}
static void c_uts(void) { CHECK(unshare(CLONE_NEWUTS) == 0); }
static void c_deadline(void) { /* wants all processors, which taskset may have taken away */
	unsigned long all[16];
	memset(all, 0xff, sizeof all);
	sched_setaffinity(0, sizeof all, (void *)all);
	struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t prio; uint64_t run, dl, per; } a = {
		48, 6, 0, 0, 0, 1000000, 100000000, 100000000};
	if (syscall(SYS_sched_setattr, 0, &a, 0) != 0) say("nodeadline 0 0\n");
}
static void c_root(void) {
	CHECK(mkdir("gone", 0700) == 0 && chroot("gone") == 0 && rmdir("gone") == 0);
	quiet();
	for (;;) pause();
}

int main(void) {
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof name;
	int l = socket(AF_UNIX, SOCK_STREAM, 0), waits = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(l, (void *)&name, sizeof name.sun_family) == 0 && listen(l, 1) == 0 && getsockname(l, (void *)&name, &len) == 0);
	CHECK(connect(waits, (void *)&name, len) == 0 && write(waits, "x", 1) == 1);
	say("unix %d 0\n", l);
	say("inet %d 0\n", socket(AF_INET, SOCK_DGRAM, 0));
	say("netlink %d 0\n", socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	say("packet %d 0\n", socket(AF_PACKET, SOCK_DGRAM, 0));
	say("inotify %d 0\n", inotify_init());
	say("fanotify %d 0\n", fanotify_init(0, 0));
	say("pidfd %d 0\n", (int)syscall(SYS_pidfd_open, getpid(), 0));
	say("ns %d 0\n", open("/proc/self/ns/net", O_RDONLY));
	struct io_uring_params params = {0};
	int ring = syscall(SYS_io_uring_setup, 2, &params);
	if (ring >= 0) say("iouring %d 0\n", ring);
	struct perf_event_attr pe = {.type = PERF_TYPE_SOFTWARE, .size = sizeof pe};
	int perf = syscall(SYS_perf_event_open, &pe, 0, -1, -1, 0);
	if (perf >= 0) say("perf %d 0\n", perf);
	int lock = open("lock", O_RDWR | O_CREAT, 0600);
	CHECK(fcntl(lock, F_SETLEASE, F_WRLCK) == 0);
	say("lock %d 0\n", lock);
	say("ptmx %d 0\n", open("/dev/ptmx", O_RDWR | O_NOCTTY));
	mqd_t mq = mq_open("/thaw-test", O_RDWR | O_CREAT, 0600, NULL);
	if (mq >= 0) {
		mq_unlink("/thaw-test");
		say("mqueue %d 0\n", mq);
	}
	unsigned long ctx = 0;
	CHECK(syscall(SYS_io_setup, 4, &ctx) == 0);
	int u = syscall(SYS_userfaultfd, O_CLOEXEC);
	CHECK(u >= 0);
	struct uffdio_api api = {UFFD_API, 0, 0};
	CHECK(ioctl(u, UFFDIO_API, &api) == 0);
	char *um = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = {{(unsigned long)um, 8192}, UFFDIO_REGISTER_MODE_MISSING, 0};
	CHECK(ioctl(u, UFFDIO_REGISTER, &reg) == 0);
	say("uffd %d 0\n", u);
	child("seccomp", c_seccomp);
	child("uts", c_uts);
	child("shm", c_shm);
	child("deadline", c_deadline);
	child("root", c_root);
	ready();
	await_go();
	return 0;
}
