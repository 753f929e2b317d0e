/*
 * attrs: what a process is besides memory and files: limits, scheduling,
 * credentials, capabilities, flags of prctl. Each child has another set; each
 * reads all of it before and after.
 */
#include "kinds.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/personality.h>

struct all {
	struct fx_who who;
	struct rlimit rl[16];
	mode_t mask;
	int nice, policy, ioprio, oom;
	cpu_set_t cpus;
	uid_t ids[8];
	int ngroups;
	gid_t groups[64];
	struct __user_cap_data_struct caps[2];
	uint64_t bounding, ambient;
	int nnp, pdeath, dumpable, subreaper, secure, keep, thp, personality, mce;
	long slack;
	long long login;
	char cwd[200], root[200], comm[16];
};

static void read_caps(struct all *a)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };

	syscall(SYS_capget, &h, a->caps);
	for (int c = 0; c < 64; c++) {
		if (prctl(PR_CAPBSET_READ, c) == 1)
			a->bounding |= 1ULL << c;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1)
			a->ambient |= 1ULL << c;
	}
}

static void read_all(struct all *a)
{
	char b[64];
	int i;

	memset(a, 0, sizeof(*a));
	fx_who_get(&a->who);
	for (i = 0; i < 16; i++)
		getrlimit(i, &a->rl[i]);
	a->mask = umask(0);
	umask(a->mask);
	a->nice = getpriority(PRIO_PROCESS, 0);
	a->policy = sched_getscheduler(0);
	a->ioprio = syscall(SYS_ioprio_get, 1, 0);
	sched_getaffinity(0, sizeof(a->cpus), &a->cpus);
	getresuid(&a->ids[0], &a->ids[1], &a->ids[2]);
	getresgid(&a->ids[3], &a->ids[4], &a->ids[5]);
	a->ids[6] = setfsuid(-1);
	a->ids[7] = setfsgid(-1);
	a->ngroups = getgroups(64, a->groups);
	read_caps(a);
	a->nnp = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	prctl(PR_GET_PDEATHSIG, &a->pdeath);
	a->dumpable = prctl(PR_GET_DUMPABLE);
	prctl(PR_GET_CHILD_SUBREAPER, &a->subreaper);
	a->secure = prctl(PR_GET_SECUREBITS);
	a->keep = prctl(PR_GET_KEEPCAPS);
	a->thp = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
	a->mce = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
	a->slack = prctl(PR_GET_TIMERSLACK);
	a->personality = personality(0xffffffff);
	a->oom = fx_slurp("/proc/self/oom_score_adj", b, sizeof(b)) > 0 ? atoi(b) : -9999;
	a->login = fx_number("/proc/self/loginuid");
	if (!getcwd(a->cwd, sizeof(a->cwd)))
		a->cwd[0] = 0;
	i = readlink("/proc/self/root", a->root, sizeof(a->root) - 1);
	prctl(PR_GET_NAME, a->comm);
}

#define SAME(f, fmt) CHECK(n->f == o->f, #f " is " fmt ", was " fmt, n->f, o->f)

static void compare(const struct all *o, const struct all *n, int parent)
{
	fx_who_check(&o->who, parent);
	for (int i = 0; i < 16; i++)
		CHECK(n->rl[i].rlim_cur == o->rl[i].rlim_cur && n->rl[i].rlim_max == o->rl[i].rlim_max, "rlimit %d is %lld %lld, was %lld %lld", i,
		      (long long)n->rl[i].rlim_cur, (long long)n->rl[i].rlim_max, (long long)o->rl[i].rlim_cur, (long long)o->rl[i].rlim_max);
	for (int i = 0; i < 8; i++)
		CHECK(n->ids[i] == o->ids[i], "id %d (ruid euid suid rgid egid sgid fsuid fsgid) is %u, was %u", i, n->ids[i], o->ids[i]);
	SAME(mask, "%#o");
	SAME(nice, "%d");
	SAME(policy, "%d");
	SAME(ioprio, "%#x");
	CHECK(CPU_EQUAL(&n->cpus, &o->cpus), "affinity differs: %d cpus, was %d", CPU_COUNT(&n->cpus), CPU_COUNT(&o->cpus));
	CHECK(n->ngroups == o->ngroups && !memcmp(n->groups, o->groups, sizeof(n->groups)), "groups differ: %d, was %d", n->ngroups, o->ngroups);
	for (int i = 0; i < 2; i++) {
		SAME(caps[i].effective, "%#x");
		SAME(caps[i].permitted, "%#x");
		SAME(caps[i].inheritable, "%#x");
	}
	CHECK(n->bounding == o->bounding, "bounding set is %llx, was %llx", (unsigned long long)n->bounding, (unsigned long long)o->bounding);
	CHECK(n->ambient == o->ambient, "ambient set is %llx, was %llx", (unsigned long long)n->ambient, (unsigned long long)o->ambient);
	SAME(nnp, "%d");
	SAME(pdeath, "%d");
	SAME(dumpable, "%d");
	SAME(subreaper, "%d");
	SAME(secure, "%#x");
	SAME(keep, "%d");
	SAME(thp, "%d");
	SAME(mce, "%d");
	SAME(slack, "%ld");
	SAME(personality, "%#x");
	SAME(oom, "%d");
	SAME(login, "%lld");
	CHECK(!strcmp(n->cwd, o->cwd), "cwd is %s, was %s", n->cwd, o->cwd);
	CHECK(!strcmp(n->root, o->root), "root is %s, was %s", n->root, o->root);
	CHECK(!strcmp(n->comm, o->comm), "comm is %s, was %s", n->comm, o->comm);
}

static void spoil(void)
{
	if (fx_broken("rlimit"))
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 50, 50 });
	if (fx_broken("umask"))
		umask(0111);
	if (fx_broken("nice"))
		setpriority(PRIO_PROCESS, 0, 19);
	if (fx_broken("caps"))
		prctl(PR_CAPBSET_DROP, CAP_CHOWN), prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (fx_broken("uid"))
		MUST(!setresuid(-1, 77, -1) || geteuid());
	if (fx_broken("pdeath"))
		prctl(PR_SET_PDEATHSIG, SIGWINCH);
	if (fx_broken("dumpable"))
		prctl(PR_SET_DUMPABLE, !prctl(PR_GET_DUMPABLE));
	if (fx_broken("mce"))
		prctl(PR_MCE_KILL, PR_MCE_KILL_SET, prctl(PR_MCE_KILL_GET, 0, 0, 0, 0) ? PR_MCE_KILL_LATE : PR_MCE_KILL_EARLY, 0, 0);
	if (fx_broken("slack"))
		prctl(PR_SET_TIMERSLACK, 12345);
	if (fx_broken("personality"))
		personality(0x0400000);
	if (fx_broken("nnp"))
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (fx_broken("subreaper"))
		prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void c_limits(void)
{
	static const int res[] = { RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE,
				   RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME };
	struct rlimit rl;

	for (unsigned i = 0; i < 16; i++) {
		getrlimit(res[i], &rl);
		if (rl.rlim_max > 2000000000 + i)
			rl.rlim_max = 2000000000 + i;
		else if (rl.rlim_max > i)
			rl.rlim_max -= i;
		rl.rlim_cur = rl.rlim_max - rl.rlim_max / 4;
		setrlimit(res[i], &rl);
	}
}

static void c_sched(void)
{
	struct sched_param sp = { 0 };
	cpu_set_t one, all;
	int cpu = 0;

	MUST(!setpriority(PRIO_PROCESS, 0, 7) && !sched_setscheduler(0, SCHED_BATCH, &sp));
	MUST(!syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6));
	sched_getaffinity(0, sizeof(all), &all);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	MUST(!sched_setaffinity(0, sizeof(one), &one));
	prctl(PR_SET_TIMERSLACK, 77777);
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);
	MUST(fd >= 0 && write(fd, "345", 3) == 3 && !close(fd));
}

static void c_idle(void)
{
	struct sched_param sp = { 0 };

	MUST(!sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, &sp));
	umask(0137);
	personality(ADDR_NO_RANDOMIZE | 0x0200000 /* WHOLE_SECONDS and others */);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
	prctl(PR_SET_NAME, "a name (with) 2");
}

static void c_flags(void)
{
	MUST(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_PDEATHSIG, SIGUSR1) && !prctl(PR_SET_CHILD_SUBREAPER, 1));
	MUST(!prctl(PR_SET_DUMPABLE, 0));
}

static void c_user(void)
{
	gid_t g[] = { 7, 3000, 100000, 65534 };

	MUST(!setgroups(4, g) && !setresgid(2001, 2002, 2003) && !setresuid(1001, 1001, 1001));
	MUST(!chdir("/"));
}

static void c_mixed(void) /* real, effective, saved and file system ids differ; some capabilities */
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };

	MUST(!setgroups(0, NULL) && !setresgid(11, 22, 33));
	prctl(PR_CAPBSET_DROP, CAP_SYS_MODULE);
	prctl(PR_CAPBSET_DROP, CAP_MKNOD);
	MUST(!prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
	MUST(!setresuid(44, 0, 66));
	setfsuid(55);
	setfsgid(77);
	d[0].permitted = d[0].effective = 1 << CAP_CHOWN | 1 << CAP_KILL | 1 << CAP_NET_ADMIN | 1 << CAP_DAC_OVERRIDE | 1 << CAP_SETUID;
	d[0].inheritable = 1 << CAP_KILL | 1 << CAP_NET_ADMIN;
	d[0].effective &= ~(1 << CAP_NET_ADMIN);
	MUST(!syscall(SYS_capset, &h, d));
	MUST(!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
}

static void c_login(void) { fx_set_login("4712"); } /* the others have none, or that of who started all */

static const struct kind kinds[] = { { "limits", c_limits }, { "sched", c_sched }, { "idle", c_idle }, { "flags", c_flags }, { "user", c_user }, { "mixed", c_mixed }, { "login", c_login } };

static struct all was, is;

static void look(void)
{
	read_all(&was);
}
static void judge(const struct kind *own)
{
	if (own)
		spoil();
	if (own && fx_broken("login"))
		was.login ^= 1;
	read_all(&is);
	compare(&was, &is, own != NULL);
}

int main(int argc, char **argv)
{
	fx_begin(argc, argv);
	umask(0);
	MUST(!chmod(fx_dir, 0777));
	close(open(fx_path_roles, O_CREAT | O_WRONLY, 0666));
	close(open(fx_path_result, O_CREAT | O_WRONLY, 0666));
	return fx_kinds(kinds, sizeof(kinds) / sizeof(*kinds), look, judge);
}
