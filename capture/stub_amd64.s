//go:build linux

#include "textflag.h"

// The stub: what a task runs for us, copied into the room behind its vdso and
// never called here. It changes no flag and no vector register, uses no stack,
// and each way out of it leads back to where the task was; see stub_amd64.go.
//
//   R13 the task's slot    BX scratch memory that is to go, or no address
//   R14 its process    R15 the task    BP a signal it ignores, or zero
//
// A zero comes from the slot: the assembler makes XOR of a zero constant, and
// that changes flags.

#define SLOT_AX    0(R13)
#define SLOT_ALTAX 8(R13)
#define SLOT_BX    16(R13)
#define SLOT_CX    24(R13)
#define SLOT_DX    32(R13)
#define SLOT_SI    40(R13)
#define SLOT_DI    48(R13)
#define SLOT_BP    56(R13)
#define SLOT_R8    64(R13)
#define SLOT_R9    72(R13)
#define SLOT_R10   80(R13)
#define SLOT_R11   88(R13)
#define SLOT_R12   96(R13)
#define SLOT_R14   112(R13)
#define SLOT_R15   120(R13)
#define SLOT_MASK  144(R13)
#define SLOT_ZERO  152(R13)
#define SLOT_BACK  168(R13)
#define SLOT_EINTR 176(R13)
#define SLOT_HARD  240(R13)

#define SYS_munmap         11
#define SYS_rt_sigaction   13
#define SYS_rt_sigprocmask 14
#define SYS_tgkill         234
#define SYS_ppoll          271

TEXT ·stubCode(SB), NOSPLIT|NOFRAME, $0-0
	// The way back for a task that never got further, or is past its calls. Its
	// registers say that it was interrupted in a call, as they did: the kernel
	// enters here, two bytes back, to make the call again, and else behind.
	JMP  back
	MOVQ R13, R12
	JMP  mask

	// The call that maps the scratch memory.
	SYSCALL
	MOVQ AX, BX
	JMP  stop

	// The actions of R8 signals from DI on, to where DX says.
actions:
	MOVL $SYS_rt_sigaction, AX
	SYSCALL
	LEAQ 32(DX), DX
	LEAQ 1(DI), DI
	LEAQ -1(R8), R8
	MOVQ R8, CX
	JCXZQ stop
	JMP  actions

	// Any call.
	SYSCALL

stop:
	// A traced task stops for the signal; another one takes no notice.
	MOVQ AX, R12
	MOVL $SYS_tgkill, AX
	MOVL R14, DI
	MOVL R15, SI
	MOVL BP, DX
	SYSCALL

	// The tracer is gone.
back:
	MOVL $SYS_munmap, AX
	MOVQ BX, DI
	MOVL $4096, SI
	SYSCALL

	// Handlers of signals that came meanwhile run in here, or not at all.
	MOVL $SYS_ppoll, AX
	MOVQ SLOT_ZERO, DI
	MOVQ SLOT_ZERO, SI
	LEAQ SLOT_ZERO, DX
	LEAQ SLOT_MASK, R10
	MOVL $8, R8
	SYSCALL
	MOVQ SLOT_ZERO, R12
	MOVQ SLOT_HARD, CX
	JCXZQ mask
	MOVQ AX, R12

mask:
	MOVL $SYS_rt_sigprocmask, AX
	MOVL $2, DI          // SIG_SETMASK
	LEAQ SLOT_MASK, SI
	MOVQ SLOT_ZERO, DX
	MOVL $8, R10
	SYSCALL

	MOVQ R12, CX
	MOVQ SLOT_BX, BX
	MOVQ SLOT_DX, DX
	MOVQ SLOT_SI, SI
	MOVQ SLOT_DI, DI
	MOVQ SLOT_BP, BP
	MOVQ SLOT_R8, R8
	MOVQ SLOT_R9, R9
	MOVQ SLOT_R10, R10
	MOVQ SLOT_R11, R11
	MOVQ SLOT_R12, R12
	MOVQ SLOT_R14, R14
	MOVQ SLOT_R15, R15
	JCXZQ quiet
	MOVQ SLOT_CX, CX
	MOVQ SLOT_ALTAX, AX
	JMP  SLOT_EINTR

quiet:
	MOVQ SLOT_CX, CX
	MOVQ SLOT_AX, AX
	JMP  SLOT_BACK

TEXT ·stubEnd(SB), NOSPLIT|NOFRAME, $0-0
	INT $3

// func stubBounds() (begin, end uintptr)
TEXT ·stubBounds(SB), NOSPLIT, $0-16
	LEAQ ·stubCode(SB), AX
	MOVQ AX, begin+0(FP)
	LEAQ ·stubEnd(SB), AX
	MOVQ AX, end+8(FP)
	RET
