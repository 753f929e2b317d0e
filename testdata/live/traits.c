/*
 * traits: what prctl(2), arch_prctl(2), membarrier(2), sched_setattr(2),
 * sigaction(2) and madvise(2) set for a process and few programs ask for. Each child has another
 * attribute, so far as this machine knows it; each reads all of them before and
 * after.
 */
#include "kinds.h"
#include <linux/prctl.h>
#include <setjmp.h>

#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012
#define ARCH_GET_XCOMP_PERM 0x1022
#define ARCH_REQ_XCOMP_PERM 0x1023
#define MADV_GUARD 102
#define BARRIER_GET (1 << 9)
#define GET_MERGE 68
#define SET_MERGE 67
#define GET_MDWE 66
#define SET_MDWE 65

struct attr { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t prio; uint64_t slice, deadline, period; };
struct action { uint64_t handler, flags, restorer, mask; };

struct all {
	int mce, tsc, cpuid, spec[2], thp, mdwe, merge, faults, named, registered, barriers[3];
	uint64_t xcomp, slice;
	long long login, session;
	struct action acts[64];
};

static unsigned char *pages; /* some of them guards */
#define PAGES 8
static sigjmp_buf jb;

static void on_fault(int s) { siglongjmp(jb, 1); }

/* a bit for each page that cannot be read, and one for rdtsc */
static int faults(void)
{
	struct sigaction sa = { .sa_handler = on_fault, .sa_flags = SA_NODEFER }, old;
	volatile int n = 0;

	sigaction(SIGSEGV, &sa, &old);
	for (volatile int i = 0; i < PAGES; i++)
		if (!sigsetjmp(jb, 1))
			(void)*(volatile unsigned char *)(pages + 4096 * i);
		else
			n |= 1 << i;
	if (!sigsetjmp(jb, 1))
		__builtin_ia32_rdtsc();
	else
		n |= 1 << PAGES;
	sigaction(SIGSEGV, &old, NULL);
	return n;
}

/* the name that /proc/self/maps shows of our memory */
static int named(void)
{
	char line[512];
	int n = 0;
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f))
		n += !!strstr(line, "[anon:of traits]");
	if (f)
		fclose(f);
	return n;
}

static int barrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

static void read_all(struct all *a)
{
	struct attr at = { 0 };

	memset(a, 0, sizeof(*a));
	a->mce = prctl(PR_MCE_KILL_GET, 0, 0, 0, 0);
	prctl(PR_GET_TSC, &a->tsc);
	a->cpuid = syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0);
	for (int i = 0; i < 2; i++)
		a->spec[i] = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);
	a->thp = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
	a->mdwe = prctl(GET_MDWE, 0, 0, 0, 0);
	a->merge = prctl(GET_MERGE, 0, 0, 0, 0);
	syscall(SYS_arch_prctl, ARCH_GET_XCOMP_PERM, &a->xcomp);
	if (!syscall(SYS_sched_getattr, 0, &at, sizeof(at), 0))
		a->slice = at.slice;
	a->login = fx_number("/proc/self/loginuid");
	a->session = fx_number("/proc/self/sessionid");
	a->faults = faults();
	a->named = named();
	a->registered = barrier(BARRIER_GET);
	for (int i = 0; i < 3; i++) /* private: plain, of cores, of rseq */
		a->barriers[i] = barrier(1 << (3 + 2 * i));
	for (int s = 1; s <= 64; s++)
		MUST(!syscall(SYS_rt_sigaction, s, NULL, &a->acts[s - 1], 8));
}

#define SAME(f, fmt) CHECK(n->f == o->f, #f " is " fmt ", was " fmt, n->f, o->f)
#define SAME64(f) CHECK(n->f == o->f, #f " is %#llx, was %#llx", (unsigned long long)n->f, (unsigned long long)o->f)

static void compare(const struct all *o, const struct all *n)
{
	SAME(mce, "%d");
	SAME(tsc, "%d");
	SAME(cpuid, "%d");
	SAME(spec[0], "%d");
	SAME(spec[1], "%d");
	SAME(thp, "%d");
	SAME(mdwe, "%d");
	SAME(merge, "%d");
	SAME64(xcomp);
	SAME64(slice);
	SAME(login, "%lld");
	SAME(faults, "%#x");
	SAME(named, "%d");
	SAME(registered, "%#x");
	SAME(barriers[0], "%d");
	SAME(barriers[1], "%d");
	SAME(barriers[2], "%d");
	for (int s = 0; s < 64; s++) {
		SAME64(acts[s].handler);
		SAME64(acts[s].flags);
		SAME64(acts[s].restorer);
		SAME64(acts[s].mask);
	}
}

/* A machine may lack an attribute; the memory of it is spoilt, not the thing. */
static void spoil(struct all *was)
{
	if (fx_broken("mce"))
		was->mce ^= 1;
	if (fx_broken("tsc"))
		was->tsc ^= 1;
	if (fx_broken("cpuid"))
		was->cpuid ^= 1;
	if (fx_broken("bypass"))
		was->spec[0] ^= 1;
	if (fx_broken("branch"))
		was->spec[1] ^= 1;
	if (fx_broken("thp"))
		was->thp ^= 1;
	if (fx_broken("mdwe"))
		was->mdwe ^= 1;
	if (fx_broken("merge"))
		was->merge ^= 1;
	if (fx_broken("faults"))
		was->faults ^= 1;
	if (fx_broken("named"))
		was->named ^= 1;
	if (fx_broken("registered"))
		was->registered ^= 4;
	if (fx_broken("barriers"))
		was->barriers[2] ^= 1;
	if (fx_broken("xcomp"))
		was->xcomp ^= 1;
	if (fx_broken("login"))
		was->login ^= 1;
	if (fx_broken("slice"))
		was->slice ^= 1;
	if (fx_broken("handler"))
		signal(SIGUSR1, was->acts[SIGUSR1 - 1].handler ? SIG_DFL : SIG_IGN);
	if (fx_broken("flags"))
		was->acts[63].flags ^= 1;
	if (fx_broken("mask"))
		was->acts[32].mask ^= 1;
}

static void c_plain(void) {}
static void c_early(void) { MUST(!prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0)); }
static void c_late(void) { MUST(!prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0, 0)); }
static void c_tsc(void) { MUST(!prctl(PR_SET_TSC, PR_TSC_SIGSEGV)); }
static void c_cpuid(void) { syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0); }
static void c_spec(void)
{
	prctl(PR_SET_SPECULATION_CTRL, 0, PR_SPEC_DISABLE, 0, 0);
	prctl(PR_SET_SPECULATION_CTRL, 1, PR_SPEC_FORCE_DISABLE, 0, 0);
}
static void c_noexec(void) { prctl(PR_SET_SPECULATION_CTRL, 0, 16 /* DISABLE_NOEXEC */, 0, 0); }
static void c_thp(void) { prctl(PR_SET_THP_DISABLE, 1, 2 /* EXCEPT_ADVISED */, 0, 0); }
static void c_mdwe(void) { prctl(SET_MDWE, 3, 0, 0, 0); }
static void c_merge(void)
{
	if (!prctl(SET_MERGE, 1, 0, 0, 0))
		madvise(pages, 4096, MADV_UNMERGEABLE);
}
static void c_xcomp(void) { syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, 18); }
static void c_slice(void)
{
	struct attr at = { sizeof(at) };

	at.slice = 4000000;
	syscall(SYS_sched_setattr, 0, &at, 0);
}
static void c_barriers(void)
{
	barrier(1 << 2); /* of others */
	barrier(1 << 4);
	barrier(1 << 8); /* of rseq */
}
static void c_cores(void) { barrier(1 << 6); } /* not the plain one */
static void c_guard(void)
{
	madvise(pages + 4096, 4096, MADV_GUARD);
	madvise(pages + 4 * 4096, 2 * 4096, MADV_GUARD);
	pages[3 * 4096] = 7;
}
static void act(int sig, uint64_t handler, uint64_t flags, uint64_t mask)
{
	struct action a = { handler, flags, 0, mask };

	MUST(!syscall(SYS_rt_sigaction, sig, &a, NULL, 8));
}
static void c_actions(void) /* flags and masks of actions without a handler */
{
	act(SIGUSR1, 1, SA_NODEFER | SA_ONSTACK, 0x3000);
	act(SIGTERM, 0, SA_RESTART | SA_RESETHAND, 0x50);
	act(SIGCHLD, 0, SA_NOCLDSTOP, 0);
	act(33, 1, SA_SIGINFO, 1ULL << 40);
	act(64, 0, SA_NODEFER, 0);
}

static const struct kind kinds[] = { { "plain", c_plain }, { "early", c_early }, { "late", c_late }, { "tsc", c_tsc }, { "cpuid", c_cpuid }, { "spec", c_spec },
	  { "noexec", c_noexec }, { "thp", c_thp }, { "mdwe", c_mdwe }, { "merge", c_merge }, { "xcomp", c_xcomp }, { "slice", c_slice },
	  { "barriers", c_barriers }, { "cores", c_cores }, { "guard", c_guard }, { "actions", c_actions } };

static struct all was, is;

static void look(void)
{
	read_all(&was);
}
static void judge(const struct kind *own)
{
	if (own)
		spoil(&was);
	read_all(&is);
	compare(&was, &is);
	if (own) { /* all come from one login, that of the root */
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/sessionid", getppid());
		CHECK(is.session == fx_number(path), "session %lld of the audit is not the parent's, %lld", is.session, fx_number(path));
	}
	if (own)
		CHECK(pages[3 * 4096] == (own->set == c_guard ? 7 : 3), "contents between the guards differ");
}

int main(int argc, char **argv)
{
	fx_begin(argc, argv);
	fx_set_login("4711");
	pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(pages != MAP_FAILED);
	memset(pages, 3, PAGES * 4096);
	prctl(0x53564d41 /* PR_SET_VMA */, 0, pages, PAGES * 4096, "of traits");
	return fx_kinds(kinds, sizeof(kinds) / sizeof(*kinds), look, judge);
}
