/*
 * single: one static program that goes on computing. Data, bss, heap, stack and
 * an anonymous mapping hold patterns; a chain of hashes is in the middle; the
 * clock (vdso) works and does not run backwards; brk grows afterwards;
 * /proc/self shows the same program.
 */
#include "maps.h"
#include <sys/auxv.h>

static unsigned char bss[100000];
static char data[64] = "initial data";
static const char *procs[] = { "cmdline", "environ", "auxv", "comm" };
static char was[4][4096], is[4096];

struct area {
	const char *name;
	unsigned char *p;
	size_t n;
	uint64_t h;
};

static uint64_t chain(uint64_t h, uint64_t from, uint64_t to)
{
	for (; from < to; from++)
		h = fx_fnv(&from, sizeof(from), h);
	return h;
}

int main(int argc, char **argv)
{
	unsigned char stack[5000];
	struct area a[5] = { { "bss", bss, sizeof(bss) }, { "heap", 0, 300000 }, { "map", 0, 1 << 20 },
			     { "stack", stack, sizeof(stack) }, { "data", (unsigned char *)data, sizeof(data) } };
	int len[4];
	struct fx_who who;
	uint64_t h = FX_FNV0, i;
	int64_t t0, t1;
	char exe[100] = "", exe2[100] = "", *brk0, *p;

	fx_begin(argc, argv);
	a[1].p = malloc(a[1].n);
	a[2].p = mmap(NULL, a[2].n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(a[1].p && a[2].p != MAP_FAILED);
	for (i = 0; i < 4; i++)
		fx_fill(a[i].p, a[i].n, i + 1);
	strcpy(data, "changed before the capture");
	for (i = 0; i < 5; i++)
		a[i].h = fx_fnv(a[i].p, a[i].n, FX_FNV0);
	fx_enter("root");
	for (i = 0; i < 4; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/%s", procs[i]);
		MUST((len[i] = fx_slurp(path, was[i], sizeof(was[i]))) > 0);
	}
	MUST(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	brk0 = sbrk(0);
	fx_who_get(&who);
	fx_maps_save();
	t0 = fx_now();
	fx_ready();

	for (i = 0; !fx_go(); i++) {
		h = chain(h, i * 1000, i * 1000 + 1000);
		if (i % 16 == 0)
			fx_msleep(3);
	}
	if (fx_broken("memory"))
		a[2].p[77] ^= 1;
	if (fx_broken("chain"))
		h ^= 1;
	if (fx_broken("comm"))
		prctl(PR_SET_NAME, "wrong");
	if (fx_broken("maps"))
		mprotect(a[2].p + 8192, 4096, PROT_READ);
	if (fx_broken("brk"))
		sbrk(4096);
	if (fx_broken("argv"))
		argv[1][0] ^= 1;
	fx_maps_check();
	t1 = fx_now();
	CHECK(t1 > t0, "the clock ran backwards: %lld, was %lld", (long long)t1, (long long)t0);
	fx_who_check(&who, 0);
	CHECK(h == chain(FX_FNV0, 0, i * 1000), "the computation went wrong");
	for (i = 0; i < 5; i++)
		CHECK(fx_fnv(a[i].p, a[i].n, FX_FNV0) == a[i].h, "contents of %s differ", a[i].name);
	for (i = 0; i < 4; i++) {
		char path[64];
		int n;

		snprintf(path, sizeof(path), "/proc/self/%s", procs[i]);
		n = fx_slurp(path, is, sizeof(is));
		CHECK(n == len[i] && !memcmp(is, was[i], n), "%s differs", path);
	}
	CHECK(readlink("/proc/self/exe", exe2, sizeof(exe2) - 1) > 0 && !strcmp(exe, exe2), "exe is %s, was %s", exe2, exe);
	CHECK(sbrk(0) == brk0, "brk is %p, was %p", sbrk(0), brk0);
	p = sbrk(1 << 20);
	CHECK(p == brk0, "brk does not grow: %p, errno %d", p, errno);
	if (p == brk0)
		memset(p, 1, 1 << 20);
	CHECK(malloc(5000000) != NULL, "malloc fails");
	CHECK(getauxval(AT_SYSINFO_EHDR) && !memcmp((void *)getauxval(AT_SYSINFO_EHDR), "\177ELF", 4), "no vdso where it was");
	return fx_finish();
}
