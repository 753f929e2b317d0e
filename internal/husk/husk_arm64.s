//go:build linux

#include "textflag.h"

// The record interpreter for arm64; see husk_amd64.s for what it does. It
// assembles and is kept in step, but restore does not support arm64 yet.
//
//   R19 record    R20 header of the table

#define SYS_ppoll      73
#define SYS_futex      98
#define SYS_exit_group 94

TEXT ·huskCode(SB), NOSPLIT|NOFRAME, $0-0
	// The two words behind the branch are patched in the copy (offsets 8, 16).
	ADR  consts, R21
	B    boot
consts:
	WORD $0
	WORD $0
	WORD $0
	WORD $0

boot:
	MOVD (R21), R19
	MOVD 8(R21), R20

run:
	MOVWU 0(R19), R8
	MOVD  $0x10000, R9
	CMP   R9, R8
	BHS   special
	MOVD  8(R19), R0
	MOVD  16(R19), R1
	MOVD  24(R19), R2
	MOVD  32(R19), R3
	MOVD  40(R19), R4
	MOVD  48(R19), R5
	SVC
	MOVD  R0, 56(R19)
	CBNZ  R0, check
	MOVD  88(R19), R9
	CBZ   R9, check
	MOVD  R9, R19
	B     run

check:
	MOVD  64(R19), R9
	CMP   R9, R0
	BLT   failed
	MOVD  72(R19), R9
	CMP   R9, R0
	BGT   failed
	MOVD  80(R19), R9
	CBZ   R9, next
	MOVD  R0, (R9)

next:
	ADD $96, R19
	B   run

special:
	SUB  R9, R8, R8
	CMP  $0, R8
	BEQ  opgoto
	CMP  $1, R8
	BEQ  opadd
	CMP  $2, R8
	BEQ  opwait
	CMP  $3, R8
	BEQ  opcopy
	CMP  $4, R8
	BEQ  opcode
	CMP  $5, R8
	BEQ  opequal
	B    failed

opgoto:
	MOVD 8(R19), R19
	B    run

opcode:
	MOVD 8(R19), R9
	MOVD 16(R19), R19
	JMP  (R9)

opadd:
	MOVD  8(R19), R0
	MOVWU 16(R19), R9
addagain:
	LDAXRW (R0), R10
	ADDW   R9, R10, R10
	STLXRW R10, (R0), R11
	CBNZ   R11, addagain
	MOVWU  24(R19), R9
	CMPW   R9, R10
	BLO    next
	MOVD   $1, R1
	MOVD   $0x7fffffff, R2
	MOVD   $SYS_futex, R8
	SVC
	B      next

opwait:
	MOVD  8(R19), R0
	LDARW (R0), R2
	MOVWU 16(R19), R9
	CMPW  R9, R2
	BHS   next
	MOVD  $0, R1
	ADD   $40, R20, R3
	MOVD  $SYS_futex, R8
	SVC
	CMN   $110, R0
	BNE   opwait
	ADD   $32, R20, R0
	MOVD  $1, R1
	ADD   $56, R20, R2
	MOVD  $0, R3
	MOVD  $SYS_ppoll, R8
	SVC
	CMP   $1, R0
	BNE   opwait
	B     quit

opcopy:
	MOVD 8(R19), R0
	MOVD 16(R19), R1
	MOVD 24(R19), R2
copymore:
	CBZ  R2, next
	MOVBU.P 1(R1), R9
	MOVB.P  R9, 1(R0)
	SUB  $1, R2
	B    copymore

opequal:
	MOVD 8(R19), R9
	MOVD (R9), R9
	MOVD 16(R19), R10
	CMP  R10, R9
	BNE  next
	MOVD 24(R19), R19
	B    run

failed:
	MOVD   R0, R22
	LDAXRW (R20), R9
	CBNZ   R9, park
	MOVD   $1, R9
	STLXRW R9, (R20), R10
	CBNZ   R10, failagain
	MOVD   R19, 8(R20)
	MOVD   R22, 16(R20)
	MOVD   $2, R9
	STLRW  R9, (R20)
	B      park

failagain:
	MOVD R22, R0
	B    failed

park:
	ADD  $72, R20, R0
	MOVD $0, R1
	MOVD $0, R2
	ADD  $40, R20, R3
	MOVD $SYS_futex, R8
	SVC
	ADD  $32, R20, R0
	MOVD $1, R1
	ADD  $56, R20, R2
	MOVD $0, R3
	MOVD $SYS_ppoll, R8
	SVC
	CMP  $1, R0
	BNE  park

quit:
	MOVD $1, R0
	MOVD $SYS_exit_group, R8
	SVC
	B    quit

TEXT ·huskEnd(SB), NOSPLIT|NOFRAME, $0-0
	BRK

// func codeBounds() (begin, end uintptr)
TEXT ·codeBounds(SB), NOSPLIT, $0-16
	MOVD $·huskCode(SB), R0
	MOVD R0, begin+0(FP)
	MOVD $·huskEnd(SB), R0
	MOVD R0, end+8(FP)
	RET
