//go:build linux

#include "textflag.h"

// The record interpreter. It is copied out of this program's text into a page
// of its own and never called here. No stack, no absolute addresses.
//
//   R15 record    R14 header of the table
//
// Record (96 bytes): op, a0..a5, ret, lo, hi, store, jump; see record.go.
// Header: fail 0, failed record 8, failed result 16, pollfd 32,
// time-out 40, zero time 56, park word 72; see table.go.

#define REC_OP    0(R15)
#define REC_A0    8(R15)
#define REC_A1    16(R15)
#define REC_A2    24(R15)
#define REC_A3    32(R15)
#define REC_A4    40(R15)
#define REC_A5    48(R15)
#define REC_RET   56(R15)
#define REC_LO    64(R15)
#define REC_HI    72(R15)
#define REC_STORE 80(R15)
#define REC_JUMP  88(R15)

#define SYS_ppoll      271
#define SYS_futex      202
#define SYS_exit_group 231

TEXT ·huskCode(SB), NOSPLIT|NOFRAME, $0-0
	// Both immediates are patched in the copy (offsets 2 and 12).
	MOVQ $0x7172737475767778, R15
	MOVQ $0x6162636465666768, R14

run:
	MOVL REC_OP, AX
	CMPL AX, $0x10000
	JAE  special

	MOVQ REC_A0, DI
	MOVQ REC_A1, SI
	MOVQ REC_A2, DX
	MOVQ REC_A3, R10
	MOVQ REC_A4, R8
	MOVQ REC_A5, R9
	SYSCALL
	MOVQ AX, REC_RET
	TESTQ AX, AX
	JNZ  check
	MOVQ REC_JUMP, CX
	TESTQ CX, CX
	JZ   check
	MOVQ CX, R15         // a child's zero
	JMP  run

check:
	CMPQ AX, REC_LO
	JLT  failed
	CMPQ AX, REC_HI
	JGT  failed
	MOVQ REC_STORE, CX
	TESTQ CX, CX
	JZ   next
	MOVQ AX, (CX)

next:
	ADDQ $96, R15
	JMP  run

special:
	CMPL AX, $0x10000
	JEQ  opgoto
	CMPL AX, $0x10001
	JEQ  opadd
	CMPL AX, $0x10002
	JEQ  opwait
	CMPL AX, $0x10003
	JEQ  opcopy
	CMPL AX, $0x10004
	JEQ  opcode
	CMPL AX, $0x10005
	JEQ  opequal
	JMP  failed

// opgoto: go on at record a0.
opgoto:
	MOVQ REC_A0, R15
	JMP  run

// opcode: go on at record a1 with the copy of this code at a0.
opcode:
	MOVQ REC_A0, CX
	MOVQ REC_A1, R15
	JMP  CX

// opadd: add a1 to the word at a0; wake its waiters when it reaches a2.
opadd:
	MOVQ REC_A0, DI
	MOVL REC_A1, AX
	MOVL AX, CX
	LOCK
	XADDL AX, (DI)
	ADDL CX, AX
	CMPL AX, REC_A2
	JB   next
	MOVL $1, SI          // FUTEX_WAKE
	MOVL $0x7fffffff, DX
	MOVL $SYS_futex, AX
	SYSCALL
	JMP  next

// opwait: wait until the word at a0 is at least a1.
opwait:
	MOVQ REC_A0, DI
	MOVL (DI), DX
	CMPL DX, REC_A1
	JAE  next
	XORL SI, SI          // FUTEX_WAIT
	LEAQ 40(R14), R10
	MOVL $SYS_futex, AX
	SYSCALL
	CMPQ AX, $-110       // ETIMEDOUT
	JNE  opwait
	LEAQ 32(R14), DI
	MOVL $1, SI
	LEAQ 56(R14), DX
	XORL R10, R10
	MOVL $SYS_ppoll, AX
	SYSCALL
	CMPQ AX, $1          // the engine is dead
	JNE  opwait
	JMP  quit

// opcopy: copy a2 bytes from a1 to a0.
opcopy:
	MOVQ REC_A0, DI
	MOVQ REC_A1, SI
	MOVQ REC_A2, CX
	CLD
	REP; MOVSB
	JMP  next

// opequal: go on at record a2 if the 64-bit word at a0 is a1.
opequal:
	MOVQ REC_A0, SI
	MOVQ (SI), AX
	CMPQ AX, REC_A1
	JNE  next
	MOVQ REC_A2, R15
	JMP  run

// failed: the first to fail leaves record and result in the header. Then wait
// to be killed.
failed:
	MOVQ AX, BX
	XORL AX, AX
	MOVL $1, CX
	LOCK
	CMPXCHGL CX, 0(R14)
	JNZ  park
	MOVQ R15, 8(R14)
	MOVQ BX, 16(R14)
	MOVL $2, 0(R14)

park:
	LEAQ 72(R14), DI
	XORL SI, SI
	XORL DX, DX
	LEAQ 40(R14), R10
	MOVL $SYS_futex, AX
	SYSCALL
	LEAQ 32(R14), DI
	MOVL $1, SI
	LEAQ 56(R14), DX
	XORL R10, R10
	MOVL $SYS_ppoll, AX
	SYSCALL
	CMPQ AX, $1
	JNE  park

quit:
	MOVL $1, DI
	MOVL $SYS_exit_group, AX
	SYSCALL
	JMP  quit

TEXT ·huskEnd(SB), NOSPLIT|NOFRAME, $0-0
	INT $3

// func codeBounds() (begin, end uintptr)
TEXT ·codeBounds(SB), NOSPLIT, $0-16
	LEAQ ·huskCode(SB), AX
	MOVQ AX, begin+0(FP)
	LEAQ ·huskEnd(SB), AX
	MOVQ AX, end+8(FP)
	RET
