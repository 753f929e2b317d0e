/*
 * hold.h: known values in every register while a task spins in user code or
 * sleeps in a system call (x86-64; SSE, AVX or AVX-512, whichever there is).
 */
#ifndef FX_HOLD_H
#define FX_HOLD_H
#include "fx.h"
#include <stddef.h>

struct hold {
	unsigned char vin[32 * 64], vout[32 * 64]; /* vector registers */
	uint64_t kin[8], kout[8];		   /* AVX-512 masks */
	uint64_t gin[14], gout[14];		   /* all but rsp and r15 */
	uint64_t args[7];			   /* system call and its arguments; nr < 0: spin */
	int64_t ret;
	uint64_t count;				   /* rounds of the spin */
	volatile int stop;
	int level;				   /* 0 SSE, 1 AVX, 2 AVX-512 */
	uint32_t mxcsr, mxcsr_out;
	uint16_t fcw, fcw_out;
	unsigned char st[16];
};

void hold_run(struct hold *h);

#define OFF(f) [f] "i"(offsetof(struct hold, f))

/* One function each for load and store, built once for the whole file. */
__attribute__((used)) static void hold_code(void)
{
	asm volatile(
	".pushsection .text\n"
	".globl hold_run\nhold_run:\n"
	"push %%rbx; push %%rbp; push %%r12; push %%r13; push %%r14; push %%r15\n"
	"mov %%rdi, %%r15\n"
	"ldmxcsr %c[mxcsr](%%r15); fldcw %c[fcw](%%r15); fldpi\n"
	"cmpl $1, %c[level](%%r15); jb 1f; je 2f\n"
	".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"vmovdqu64 %c[vin]+64*\\i(%%r15), %%zmm\\i\n.endr\n"
	".irp i,0,1,2,3,4,5,6,7\nkmovq %c[kin]+8*\\i(%%r15), %%k\\i\n.endr\n"
	"jmp 3f\n"
	"2:\n.irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvmovdqu %c[vin]+64*\\i(%%r15), %%ymm\\i\n.endr\n"
	"jmp 3f\n"
	"1:\n.irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nmovdqu %c[vin]+64*\\i(%%r15), %%xmm\\i\n.endr\n"
	"3: cmpq $0, %c[args](%%r15); jge 5f\n"
	/* spin with all general registers set */
	"mov %c[gin]+0(%%r15), %%rax; mov %c[gin]+8(%%r15), %%rbx; mov %c[gin]+16(%%r15), %%rcx\n"
	"mov %c[gin]+24(%%r15), %%rdx; mov %c[gin]+32(%%r15), %%rsi; mov %c[gin]+40(%%r15), %%rdi\n"
	"mov %c[gin]+48(%%r15), %%rbp; mov %c[gin]+56(%%r15), %%r8; mov %c[gin]+64(%%r15), %%r9\n"
	"mov %c[gin]+72(%%r15), %%r10; mov %c[gin]+80(%%r15), %%r11; mov %c[gin]+88(%%r15), %%r12\n"
	"mov %c[gin]+96(%%r15), %%r13; mov %c[gin]+104(%%r15), %%r14\n"
	"4: incq %c[count](%%r15); cmpl $0, %c[stop](%%r15); je 4b\n"
	"jmp 6f\n"
	/* sleep with those set that a system call keeps and does not take */
	"5: mov %c[gin]+8(%%r15), %%rbx; mov %c[gin]+48(%%r15), %%rbp; mov %c[gin]+88(%%r15), %%r12\n"
	"mov %c[gin]+96(%%r15), %%r13; mov %c[gin]+104(%%r15), %%r14\n"
	"mov %c[args]+0(%%r15), %%rax; mov %c[args]+8(%%r15), %%rdi; mov %c[args]+16(%%r15), %%rsi\n"
	"mov %c[args]+24(%%r15), %%rdx; mov %c[args]+32(%%r15), %%r10; mov %c[args]+40(%%r15), %%r8\n"
	"mov %c[args]+48(%%r15), %%r9; syscall; mov %%rax, %c[ret](%%r15)\n"
	"6: mov %%rax, %c[gout]+0(%%r15); mov %%rbx, %c[gout]+8(%%r15); mov %%rcx, %c[gout]+16(%%r15)\n"
	"mov %%rdx, %c[gout]+24(%%r15); mov %%rsi, %c[gout]+32(%%r15); mov %%rdi, %c[gout]+40(%%r15)\n"
	"mov %%rbp, %c[gout]+48(%%r15); mov %%r8, %c[gout]+56(%%r15); mov %%r9, %c[gout]+64(%%r15)\n"
	"mov %%r10, %c[gout]+72(%%r15); mov %%r11, %c[gout]+80(%%r15); mov %%r12, %c[gout]+88(%%r15)\n"
	"mov %%r13, %c[gout]+96(%%r15); mov %%r14, %c[gout]+104(%%r15)\n"
	"cmpl $1, %c[level](%%r15); jb 1f; je 2f\n"
	".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"vmovdqu64 %%zmm\\i, %c[vout]+64*\\i(%%r15)\n.endr\n"
	".irp i,0,1,2,3,4,5,6,7\nkmovq %%k\\i, %c[kout]+8*\\i(%%r15)\n.endr\n"
	"vzeroupper; jmp 3f\n"
	"2:\n.irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvmovdqu %%ymm\\i, %c[vout]+64*\\i(%%r15)\n.endr\n"
	"vzeroupper; jmp 3f\n"
	"1:\n.irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nmovdqu %%xmm\\i, %c[vout]+64*\\i(%%r15)\n.endr\n"
	"3: stmxcsr %c[mxcsr_out](%%r15); fnstcw %c[fcw_out](%%r15); fstpt %c[st](%%r15); fninit\n"
	"pop %%r15; pop %%r14; pop %%r13; pop %%r12; pop %%rbp; pop %%rbx; cld; ret\n"
	".popsection\n"
	:: OFF(vin), OFF(vout), OFF(kin), OFF(kout), OFF(gin), OFF(gout), OFF(args), OFF(ret), OFF(count),
	   OFF(stop), OFF(level), OFF(mxcsr), OFF(mxcsr_out), OFF(fcw), OFF(fcw_out), OFF(st));
}

static inline void hold_init(struct hold *h, int seed)
{
	memset(h, 0, sizeof(*h));
	fx_fill(h->vin, sizeof(h->vin), seed);
	fx_fill(h->kin, sizeof(h->kin), seed + 100);
	fx_fill(h->gin, sizeof(h->gin), seed + 200);
	h->args[0] = -1;
	h->level = __builtin_cpu_supports("avx512bw") ? 2 : __builtin_cpu_supports("avx2") ? 1 : 0;
	h->mxcsr = 0x1f80 | (seed % 4) << 13; /* each rounding mode */
	h->fcw = 0x037f | (seed % 4) << 10;
}

static inline void hold_check(const struct hold *h, const char *who)
{
	static const char *gname[] = { "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp",
				       "r8", "r9", "r10", "r11", "r12", "r13", "r14" };
	int regs = h->level == 2 ? 32 : 16, width = 16 << h->level, i;
	int spin = (int64_t)h->args[0] < 0;
	long double pi;

	for (i = 0; i < regs; i++)
		CHECK(!memcmp(h->vin + 64 * i, h->vout + 64 * i, width), "%s: vector register %d (%d bytes) differs", who, i, width);
	for (i = 0; h->level == 2 && i < 8; i++)
		CHECK(h->kin[i] == h->kout[i], "%s: k%d differs", who, i);
	for (i = 0; i < 14; i++)
		if (spin || i == 1 || i == 6 || i >= 11)
			CHECK(h->gin[i] == h->gout[i], "%s: %s is %llx, was %llx", who, gname[i],
			      (unsigned long long)h->gout[i], (unsigned long long)h->gin[i]);
	for (i = 0; !spin && i < 6; i++) { /* the arguments stand as they were */
		static const int at[] = { 5, 4, 3, 9, 7, 8 };

		CHECK(h->args[i + 1] == h->gout[at[i]], "%s: argument %d (%s) is %llx, was %llx", who, i, gname[at[i]],
		      (unsigned long long)h->gout[at[i]], (unsigned long long)h->args[i + 1]);
	}
	CHECK((h->mxcsr_out & 0xffc0) == (h->mxcsr & 0xffc0), "%s: mxcsr %#x, was %#x", who, h->mxcsr_out, h->mxcsr);
	CHECK(h->fcw_out == h->fcw, "%s: x87 control word %#x, was %#x", who, h->fcw_out, h->fcw);
	memcpy(&pi, h->st, 10);
	CHECK(pi > 3.14159L && pi < 3.1416L, "%s: st(0) is not pi", who);
}
#endif
