package validate

const fixRegisters = "capture the task again; registers of a foreign image may be of another architecture"

// registerRules speak of what a task takes up again where it stood.
var registerRules = []Rule{
	{
		Code: "S001", Severity: Error, Title: "task without one set of registers",
		Why: "The task cannot go on where it was.",
		Fix: fixRegisters, Example: "state running, registers null",
	},
	{
		Code: "S002", Severity: Error, Title: "registers of another architecture than the image's",
		Why: "One tree runs on one machine.",
		Fix: fixRegisters, Example: "arm64 registers in an amd64 image",
	},
	{
		Code: "S003", Severity: Error, Title: "instruction pointer is no user address",
		Why: "The kernel refuses it, or the task dies at once.",
		Fix: fixRegisters, Example: "rip 0xffffffff81000000",
	},
	{
		Code: "S004", Severity: Warning, Title: "stack pointer is no user address",
		Why: "The next call or signal kills the task.",
		Fix: "none needed if the program uses the register for something else", Example: "rsp 0xffff888000000000",
	},
	{
		Code: "S005", Severity: Error, Title: "code or stack selector not a user's",
		Why: "User code runs with cs 0x33 (0x23 for 32 bits) and ss 0x2b; others would be kernel privileges.",
		Fix: fixRegisters, Example: "cs 0x10",
	},
	{
		Code: "S006", Severity: Error, Title: "data selector without user privilege",
		Why: "The kernel refuses selectors of other levels than 3.",
		Fix: fixRegisters, Example: "ds 0x18",
	},
	{
		Code: "S007", Severity: Error, Title: "privileged or reserved flags set",
		Why: "IOPL, VM, NT, VIF and VIP are not the program's to set; the kernel would drop them in silence.",
		Fix: fixRegisters, Example: "rflags 0x3202: IOPL 3",
	},
	{
		Code: "S008", Severity: Warning, Title: "flags that are always set are not",
		Why: "Bit 1 and the interrupt flag are set in all user code; the registers were not read from a task.",
		Fix: fixRegisters, Example: "rflags 0",
	},
	{
		Code: "S009", Severity: Error, Title: "segment base is no user address",
		Why: "The kernel refuses it; thread-local storage would be lost.",
		Fix: fixRegisters, Example: "fs_base 0x8000000000000000",
	},
	{
		Code: "S010", Severity: Error, Title: "impossible system call number",
		Why: "It decides whether the kernel restarts a call.",
		Fix: fixRegisters, Example: "orig_ax 0x123456789",
	},
	{
		Code: "S011", Severity: Error, Title: "vector register area of a wrong size",
		Why: "It holds 512 legacy bytes, a header of 64 and what its features need.",
		Fix: fixRegisters, Example: "xsave of 100 bytes",
	},
	{
		Code: "S012", Severity: Error, Title: "unknown vector register features",
		Why: "The kernel refuses features it does not know, and supervisor state.",
		Fix: fixRegisters, Example: "feature bit 40",
	},
	{
		Code: "S013", Severity: Error, Title: "vector register area compacted or with reserved bytes",
		Why: "Only the standard layout is used; the kernel refuses anything else.",
		Fix: fixRegisters, Example: "xcomp_bv 0x8000000000000003",
	},
	{
		Code: "S014", Severity: Error, Title: "reserved bits in mxcsr",
		Why: "Loading them faults; the kernel refuses them.",
		Fix: fixRegisters, Example: "mxcsr 0xffff0000",
	},
	{
		Code: "S015", Severity: Error, Title: "restart without an interrupted call",
		Why: "The registers say that no call waits for its restart block.",
		Fix: fixRegisters, Example: "restart nanosleep, rax 0",
	},
	{
		Code: "S016", Severity: Warning, Title: "interrupted call whose restart is not known",
		Why: "The call will end with EINTR, which the program may not expect.",
		Fix: "none needed if the program tries again", Example: "rax -516 without restart",
	},
	{
		Code: "S017", Severity: Error, Title: "restart of another call than the interrupted one",
		Why: "The wrong call would be restarted.",
		Fix: fixRegisters, Example: "restart poll in system call 35",
	},
	{
		Code: "S018", Severity: Error, Title: "impossible restart values",
		Why: "A wait has a clock that exists and that one can sleep by, and no negative rest.",
		Fix: fixRegisters, Example: "remaining -1",
	},
	{
		Code: "S019", Severity: Error, Title: "segment selector that leads nowhere",
		Why: "It means a local descriptor table, which no image holds, or a descriptor that is no program's; the kernel would load zero instead, and the next use of the segment kills the task.",
		Fix: fixRegisters, Example: "gs 0x7 without a local descriptor table",
	},
	{
		Code: "S034", Severity: Error, Title: "rest of a sleep that cannot be written",
		Why: "A sleep that a signal ends stores there what is left; the sleep cannot be begun again.",
		Fix: fixRegisters, Example: "remainder in a hole",
	},
	{
		Code: "S035", Severity: Error, Title: "rseq area that cannot be written",
		Why: "The kernel writes the processor's number there and kills the task if it cannot.",
		Fix: fixCapture, Example: "the area in a read-only mapping",
	},
	{
		Code: "S042", Severity: Error, Title: "impossible alternate stack",
		Why: "sigaltstack(2) refuses unknown flags and stacks below 2048 bytes.",
		Fix: fixCapture, Example: "size 100",
	},
	{
		Code: "S043", Severity: Warning, Title: "alternate stack not mapped",
		Why: "The next signal handled there kills the task.",
		Fix: "none needed if the program unmapped it for good", Example: "base in a hole",
	},
	{
		Code: "S044", Severity: Error, Title: "robust list of a wrong length",
		Why: "set_robust_list(2) takes 24 only.",
		Fix: fixCapture, Example: "length 12",
	},
	{
		Code: "S045", Severity: Error, Title: "impossible rseq area",
		Why: "rseq(2) takes areas of 32 bytes and more, aligned to 32, without flags, and none at 0.",
		Fix: fixCapture, Example: "address 0x7f0000000008",
	},
	{
		Code: "S046", Severity: Warning, Title: "address the kernel will touch not mapped",
		Why: "Threads waiting there would never be woken; with a critical section of rseq the task is killed.",
		Fix: "none needed if the program unmapped it for good", Example: "tid_address in a hole",
	},
	{
		Code: "S047", Severity: Error, Title: "processor features that nobody can ask for",
		Why: "arch_prctl(ARCH_REQ_XCOMP_PERM) refuses them.",
		Fix: fixRegisters, Example: "xfeatures 4",
	},
	{
		Code: "S049", Severity: Warning, Title: "segment with both a selector and a base",
		Why: "Programs of 64 bits have one or the other; which of the two counts is up to the kernel. Those of linux-cr refused it.",
		Fix: fixRegisters, Example: "fs 0x63, fs_base 0x7ffff7d8a740",
	},
}
