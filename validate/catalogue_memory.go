package validate

const fixLayout = "compare with /proc/PID/stat and /proc/PID/auxv of the program; capture again"

// memoryRules speak of address spaces and shared memory.
var memoryRules = []Rule{
	{
		Code: "M001", Severity: Error, Title: "page size other than 4096",
		Why: "All page numbers of the image count pages of 4096 bytes.",
		Fix: "capture under a kernel with pages of 4096 bytes", Example: "provenance.page_size 65536",
	},
	{
		Code: "M002", Severity: Error, Title: "empty address space",
		Why: "A task without memory cannot run.",
		Fix: fixCapture, Example: "vmas is an empty list",
	},
	{
		Code: "M026", Severity: Error, Title: "more than one vdso",
		Why: "The kernel maps one; a second cannot be made.",
		Fix: fixMapping, Example: "two VMAs of kind vdso",
	},
	{
		Code: "M027", Severity: Warning, Title: "vdso and its data apart",
		Why: "The vdso finds its data at a fixed distance; apart, reading the clock crashes.",
		Fix: fixMapping, Example: "a gap between vvar and vdso",
	},
	{
		Code: "M028", Severity: Warning, Title: "vdso data without a vdso",
		Why: "The program unmapped half of what the kernel gave it, or the capture lost it.",
		Fix: fixMapping, Example: "kind vvar, no kind vdso",
	},
	{
		Code: "M029", Severity: Error, Title: "malformed vdso digest",
		Why: "The digest is a SHA-256, 32 bytes; it decides whether this kernel can serve.",
		Fix: fixCapture, Example: "vdso of 3 bytes",
	},
	{
		Code: "M030", Severity: Error, Title: "auxiliary vector of odd or impossible length",
		Why: "It is made of pairs, and prctl(PR_SET_MM_MAP) refuses more than the kernel keeps: 52 words.",
		Fix: fixLayout, Example: "auxv of 3 words",
	},
	{
		Code: "M031", Severity: Error, Title: "auxiliary vector without an end",
		Why: "Readers go on until AT_NULL.",
		Fix: fixLayout, Example: "auxv [6, 4096]",
	},
	{
		Code: "M032", Severity: Error, Title: "auxiliary vector goes on after its end",
		Why: "Nothing after AT_NULL is read; what stands there was cut off by a wrong entry.",
		Fix: fixLayout, Example: "auxv [0, 0, 6, 4096]",
	},
	{
		Code: "M033", Severity: Warning, Title: "auxiliary vector has the vdso elsewhere",
		Why: "A program that looks the vdso up again would call into nothing.",
		Fix: fixLayout, Example: "AT_SYSINFO_EHDR is not the start of the vdso",
	},
	{
		Code: "M034", Severity: Error, Title: "auxiliary vector with another page size",
		Why: "The program works with pages of a size the image does not have.",
		Fix: fixLayout, Example: "AT_PAGESZ 65536",
	},
	{
		Code: "M035", Severity: Error, Title: "code, data, arguments or environment end before they start, or no code",
		Why: "prctl(PR_SET_MM_MAP) refuses it.",
		Fix: fixLayout, Example: "arg_start above arg_end",
	},
	{
		Code: "M036", Severity: Error, Title: "landmark outside user addresses",
		Why: "prctl(PR_SET_MM_MAP) refuses it.",
		Fix: fixLayout, Example: "end_code 0xffffffff81000000",
	},
	{
		Code: "M037", Severity: Warning, Title: "arguments or environment not mapped",
		Why: "/proc/PID/cmdline and environ will be empty.",
		Fix: "none needed if the program unmapped them", Example: "arg_start in a hole",
	},
	{
		Code: "M038", Severity: Warning, Title: "start of the stack not mapped",
		Why: "The main stack is gone or lies elsewhere.",
		Fix: "none needed if the program changed its stack", Example: "start_stack in a hole",
	},
	{
		Code: "M039", Severity: Error, Title: "break below its start",
		Why: "brk(2) never gives such a state, and the kernel refuses it.",
		Fix: fixLayout, Example: "start_brk 0x602000, brk 0x601000",
	},
	{
		Code: "M040", Severity: Warning, Title: "heap apart from the break",
		Why: "The kernel calls a mapping heap only where the break is; the next malloc may fail.",
		Fix: fixLayout, Example: "a heap at 0x700000, the break at 0x602000",
	},
	{
		Code: "M041", Severity: Error, Title: "unknown dumpable value",
		Why: "PR_GET_DUMPABLE gives 0, 1 or 2.",
		Fix: fixCapture, Example: "dumpable 3",
	},
	{
		Code: "M042", Severity: Error, Title: "unknown core dump filter bits",
		Why: "The kernel has nine of them.",
		Fix: fixCapture, Example: "core_filter 0x1000",
	},
	{
		Code: "M043", Severity: Warning, Title: "program file not known",
		Why: "/proc/PID/exe will lead to the restoring program's own file.",
		Fix: "none needed unless the program starts itself again", Example: "exe without a path",
	},
	{
		Code: "M044", Severity: Error, Title: "instruction pointer not mapped",
		Why: "The task would die of SIGSEGV at once.",
		Fix: fixCapture, Example: "rip in a hole",
	},
	{
		Code: "M045", Severity: Error, Title: "instruction pointer in memory that is not executable",
		Why: "The task would die of SIGSEGV at once.",
		Fix: fixCapture, Example: "rip in the heap",
	},
	{
		Code: "M046", Severity: Warning, Title: "stack pointer not mapped",
		Why: "The next call or signal kills the task.",
		Fix: "none needed if the program uses the register for something else", Example: "rsp in a hole",
	},
	{
		Code: "M055", Severity: Error, Title: "unknown kind of shared memory",
		Why: "Nobody knows how to make it.",
		Fix: fixCapture, Example: "kind dma",
	},
	{
		Code: "M056", Severity: Error, Title: "System V key and kind disagree",
		Why: "A segment of shmget has a key, nothing else has.",
		Fix: fixCapture, Example: "kind anon with sysv set",
	},
	{
		Code: "M057", Severity: Error, Title: "impossible size of shared memory",
		Why: "Shared mappings have at least one byte, and sizes are signed 64-bit numbers.",
		Fix: fixCapture, Example: "kind anon, size 0",
	},
	{
		Code: "M058", Severity: Error, Title: "malformed name of shared memory",
		Why: "memfd_create(2) takes up to 249 bytes without a zero.",
		Fix: fixCapture, Example: "a name of 300 bytes",
	},
	{
		Code: "M059", Severity: Error, Title: "seals or memfd flags without a memfd",
		Why: "Other memory cannot be sealed.",
		Fix: fixCapture, Example: "kind anon, seals 1",
	},
	{
		Code: "M060", Severity: Error, Title: "unknown seals",
		Why: "A seal is a promise to other programs; one that cannot be given must not be dropped.",
		Fix: "use a newer release of thaw", Example: "seals 0x100",
	},
	{
		Code: "M061", Severity: Error, Title: "memfd flags unknown or excluding each other",
		Why: "memfd_create(2) refuses them.",
		Fix: "use a newer release of thaw", Example: "memfd_flags 0x100",
	},
	{
		Code: "M062", Severity: Error, Title: "guard pages out of order",
		Why: "Ranges of MADV_GUARD_INSTALL are whole pages that ascend and are disjoint.",
		Fix: fixCapture, Example: "guards [0x7000-0x6000]",
	},
	{
		Code: "M063", Severity: Error, Title: "guard pages outside all mappings",
		Why: "madvise(2) installs them in memory that is mapped.",
		Fix: fixCapture, Example: "guards at 0x500000000, nothing mapped there",
	},
	{
		Code: "M064", Severity: Error, Title: "guard pages with contents",
		Why: "Installing guard pages would throw the contents away.",
		Fix: fixCapture, Example: "a page of the image inside a range of guards",
	},
	{
		Code: "M065", Severity: Error, Title: "impossible flags of memory-deny-write-execute",
		Why: "prctl(PR_SET_MDWE) refuses them.",
		Fix: fixCapture, Example: "mdwe 2",
	},
	{
		Code: "M066", Severity: Error, Title: "exception from what is not the case",
		Why: "PR_THP_DISABLE_EXCEPT_ADVISED goes with PR_SET_THP_DISABLE.",
		Fix: fixCapture, Example: "thp_advised without no_thp",
	},
	{
		Code: "M067", Severity: Error, Title: "code, data, heap, stack and arguments known in part",
		Why: "prctl(PR_SET_MM_MAP) takes all of these addresses together, and none below the lowest that can be mapped.",
		Fix: fixLayout, Example: "start_brk 0, end_code 0x401500",
	},
	{
		Code: "M068", Severity: Error, Title: "mapping beyond its System V segment",
		Why: "A segment never grows, and shmat(2) attaches it whole, from its beginning on.",
		Fix: fixCapture, Example: "two pages mapped of a segment of 4096 bytes",
	},
	{
		Code: "M069", Severity: Error, Title: "pages beyond the end of a mapped file",
		Why: "There is no memory: an access there kills the program with SIGBUS, and the restore cannot write it.",
		Fix: fixCapture, Example: "the fifth page of a private mapping of a file of 4096 bytes",
	},
	{
		Code: "M070", Severity: Error, Title: "unknown registrations for memory barriers",
		Why: "A program that registered with membarrier(2) takes for granted that its barriers work; a registration must not be dropped.",
		Fix: "use a newer release of thaw", Example: "membarriers 0x8",
	},
	{
		Code: "M071", Severity: Error, Title: "System V segments lie over each other",
		Why: "shmat(2) attaches a segment whole, where nothing is; in no order can these be attached and then unmapped in part.",
		Fix: fixCapture, Example: "two segments of two pages at one address, of one the first page is left, of the other the second",
	},
}
