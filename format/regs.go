package format

// Registers are those of one task. Exactly one of the architectures is set, or
// only Raw where the architecture cannot be restored.
type Registers struct {
	AMD64 *RegistersAMD64 `json:"amd64,omitempty"`
	ARM64 *RegistersARM64 `json:"arm64,omitempty"`
	// Raw are register sets as the source held them.
	Raw []RegisterSet `json:"raw,omitempty"`
}

// RegistersAMD64 has the layout of struct user_regs_struct
// (arch/x86/include/asm/user_64.h).
type RegistersAMD64 struct {
	R15    uint64 `json:"r15"`
	R14    uint64 `json:"r14"`
	R13    uint64 `json:"r13"`
	R12    uint64 `json:"r12"`
	RBP    uint64 `json:"rbp"`
	RBX    uint64 `json:"rbx"`
	R11    uint64 `json:"r11"`
	R10    uint64 `json:"r10"`
	R9     uint64 `json:"r9"`
	R8     uint64 `json:"r8"`
	RAX    uint64 `json:"rax"`
	RCX    uint64 `json:"rcx"`
	RDX    uint64 `json:"rdx"`
	RSI    uint64 `json:"rsi"`
	RDI    uint64 `json:"rdi"`
	OrigAX uint64 `json:"orig_ax"`
	RIP    uint64 `json:"rip"`
	CS     uint64 `json:"cs"`
	RFlags uint64 `json:"rflags"`
	RSP    uint64 `json:"rsp"`
	SS     uint64 `json:"ss"`
	FSBase uint64 `json:"fs_base"`
	GSBase uint64 `json:"gs_base"`
	DS     uint64 `json:"ds"`
	ES     uint64 `json:"es"`
	FS     uint64 `json:"fs"`
	GS     uint64 `json:"gs"`
	// XSave is the standard (not compacted) XSAVE area as ptrace's
	// NT_X86_XSTATE gives it: 512 legacy bytes, the 64-byte header, components
	// at the offsets of CPUID leaf 0xd of the machine that saved it. Zeroes at
	// its end may be left out.
	XSave []byte `json:"xsave,omitempty"`
}

// RegistersARM64 has the layout of struct user_pt_regs
// (arch/arm64/include/uapi/asm/ptrace.h).
type RegistersARM64 struct {
	X      [31]uint64 `json:"x"`
	SP     uint64     `json:"sp"`
	PC     uint64     `json:"pc"`
	PState uint64     `json:"pstate"`
	TLS    uint64     `json:"tls"`
	// SyscallNo is NT_ARM_SYSTEM_CALL; -1 outside a system call.
	SyscallNo int32 `json:"syscall_no"`
	// FPSIMD is NT_PRFPREG, 528 bytes.
	FPSIMD []byte `json:"fpsimd,omitempty"`
}

// RegisterSet is a register set that is only carried along.
type RegisterSet struct {
	// Arch in Go's spelling and Type as an ELF note type.
	Arch string `json:"arch"`
	Type uint32 `json:"type"`
	Data []byte `json:"data"`
}

// RestartKind says which interrupted system call a restart block belongs to.
type RestartKind string

// The system calls that leave a restart block (ERESTART_RESTARTBLOCK, 516).
const (
	RestartNanosleep RestartKind = "nanosleep" // nanosleep and clock_nanosleep
	RestartPoll      RestartKind = "poll"
	RestartFutex     RestartKind = "futex"
	RestartOther     RestartKind = "other"
)

// Restart tells how an interrupted system call goes on. The kernel keeps what
// it needs in a restart block that no tracer can read; this is what can be
// known of it. Tasks whose call restarts by itself have none.
type Restart struct {
	Kind RestartKind `json:"kind"`
	// Clock is the clock of a sleep, as of clock_nanosleep(2).
	Clock int32 `json:"clock,omitempty"`
	// Remaining is what was left to wait, in nanoseconds, if Known; otherwise
	// the call starts anew with its full time.
	Remaining int64 `json:"remaining,omitempty"`
	Known     bool  `json:"known,omitempty"`
	// Remainder is where a sleep stores its rest if a signal ends it; zero for
	// nowhere.
	Remainder Addr `json:"remainder,omitempty"`
}

// AltStack is the alternate signal stack (sigaltstack(2)).
type AltStack struct {
	Base  Addr   `json:"base"`
	Size  uint64 `json:"size"`
	Flags uint32 `json:"flags,omitempty"`
}

// RobustList as of get_robust_list(2).
type RobustList struct {
	Head   Addr   `json:"head"`
	Length uint64 `json:"length"`
}

// Rseq is the registration of restartable sequences (rseq(2)).
type Rseq struct {
	Address   Addr   `json:"address"`
	Length    uint32 `json:"length"`
	Signature uint32 `json:"signature"`
	Flags     uint32 `json:"flags,omitempty"`
	// Section is the value of the rseq_cs field when frozen.
	Section Addr `json:"section,omitempty"`
}
