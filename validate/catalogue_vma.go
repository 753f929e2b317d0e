package validate

const fixMapping = "compare with /proc/PID/smaps of the program; capture again"

// vmaRules speak of single mappings and of pages.
var vmaRules = []Rule{
	{
		Code: "M003", Severity: Error, Title: "mapping without length",
		Why: "A range ends after its start.",
		Fix: fixMapping, Example: "start 0x5000, end 0x4000",
	},
	{
		Code: "M004", Severity: Error, Title: "mapping not aligned to pages",
		Why: "mmap(2) maps whole pages.",
		Fix: fixMapping, Example: "start 0x400010",
	},
	{
		Code: "M005", Severity: Error, Title: "mappings out of order",
		Why: "Readers look addresses up by halving; order is part of the format.",
		Fix: "sort the VMAs by address", Example: "0x500000 before 0x400000",
	},
	{
		Code: "M006", Severity: Error, Title: "mappings overlap",
		Why: "An address has one mapping; the later would replace the earlier in silence.",
		Fix: fixMapping, Example: "0x400000-0x402000 and 0x401000-0x403000",
	},
	{
		Code: "M007", Severity: Error, Title: "mapping outside user addresses",
		Why: "What lies above belongs to the kernel.",
		Fix: fixMapping, Example: "end 0xffff800000000000",
	},
	{
		Code: "M008", Severity: Error, Title: "vsyscall page elsewhere",
		Why: "The kernel has it at 0xffffffffff600000 and nowhere else.",
		Fix: fixMapping, Example: "kind vsyscall at 0x400000",
	},
	{
		Code: "M009", Severity: Error, Title: "unknown kind of mapping",
		Why: "Without the kind nobody knows where the contents come from.",
		Fix: fixMapping, Example: "kind shm",
	},
	{
		Code: "M010", Severity: Error, Title: "unknown protection bits",
		Why: "Only read, write and execute are known.",
		Fix: fixMapping, Example: "prot 0x10",
	},
	{
		Code: "M011", Severity: Note, Title: "mapping writable and executable",
		Why: "Code can be changed while it runs; normal for some just-in-time compilers, else a sign of injected code.",
		Fix: "none needed if the program makes code at run time", Example: "a VMA rwx",
	},
	{
		Code: "M012", Severity: Note, Title: "mapping above 47 bits",
		Why: "It exists only on machines with 5-level paging.",
		Fix: "restore on such a machine", Example: "a VMA at 0x80000000000000",
	},
	{
		Code: "M013", Severity: Note, Title: "mapping in the lowest 64 KiB",
		Why: "vm.mmap_min_addr forbids it to all but privileged programs.",
		Fix: "restore with CAP_SYS_RAWIO or lower vm.mmap_min_addr", Example: "a VMA at 0x1000",
	},
	{
		Code: "M014", Severity: Error, Title: "mapping without its backing",
		Why: "A file mapping needs a path or a deleted file, a shared one its object.",
		Fix: fixMapping, Example: "kind file, no path",
	},
	{
		Code: "M015", Severity: Error, Title: "mapping with a backing its kind does not have",
		Why: "Either the kind or the backing is wrong, and the contents depend on it.",
		Fix: fixMapping, Example: "kind anon with a path",
	},
	{
		Code: "M016", Severity: Error, Title: "private kind of mapping marked shared",
		Why: "Shared anonymous memory is an object of its own, kind shared.",
		Fix: fixMapping, Example: "kind heap, shared",
	},
	{
		Code: "M017", Severity: Error, Title: "offset not aligned to pages",
		Why: "mmap(2) refuses it.",
		Fix: fixMapping, Example: "offset 0x10",
	},
	{
		Code: "M018", Severity: Error, Title: "offset beyond all files",
		Why: "Offsets are signed 64-bit numbers; mmap(2) refuses an overflow.",
		Fix: fixMapping, Example: "offset 0xfffffffffffff000",
	},
	{
		Code: "M019", Severity: Warning, Title: "mapping beyond its shared memory",
		Why: "An access beyond the end kills the program with SIGBUS.",
		Fix: "none needed if the program grows the object first", Example: "two pages mapped of an object of 4096 bytes",
	},
	{
		Code: "M020", Severity: Error, Title: "writable mapping of a write-sealed memfd",
		Why: "F_SEAL_WRITE is refused while such a mapping exists, and the mapping after it.",
		Fix: fixCapture, Example: "shared rw- mapping of a memfd with seals 0x8",
	},
	{
		Code: "M021", Severity: Error, Title: "unknown mapping flags",
		Why: "A property would be dropped in silence.",
		Fix: "use a newer release of thaw", Example: "flags 0x80000000",
	},
	{
		Code: "M022", Severity: Error, Title: "mapping flags that exclude each other",
		Why: "madvise(2) clears one when it sets the other.",
		Fix: fixMapping, Example: "hg and nh",
	},
	{
		Code: "M023", Severity: Error, Title: "wipe-on-fork on memory that is not private anonymous",
		Why: "madvise(MADV_WIPEONFORK) refuses it.",
		Fix: fixMapping, Example: "wf on a file mapping",
	},
	{
		Code: "M024", Severity: Error, Title: "shared mapping that grows down",
		Why: "mmap(2) refuses MAP_GROWSDOWN with MAP_SHARED.",
		Fix: fixMapping, Example: "gd on a shared VMA",
	},
	{
		Code: "M025", Severity: Error, Title: "locked on fault but not locked",
		Why: "The kernel sets both flags together (mlock2(2)).",
		Fix: fixMapping, Example: "lf without lo",
	},
	{
		Code: "M049", Severity: Error, Title: "pages cannot be listed",
		Why: "Memory would be restored without its contents.",
		Fix: fixCopyAgain, Example: "the page source reports an error",
	},
	{
		Code: "M050", Severity: Error, Title: "page run without pages or beyond all addresses",
		Why: "A run has at least one page and ends within 2^52 pages.",
		Fix: fixCopyAgain, Example: "count 0",
	},
	{
		Code: "M051", Severity: Error, Title: "page runs out of order",
		Why: "Runs ascend and are disjoint; a page must not be written twice.",
		Fix: fixCopyAgain, Example: "run at page 10 after run at page 20",
	},
	{
		Code: "M052", Severity: Error, Title: "pages outside all mappings",
		Why: "There is no place to restore them to.",
		Fix: fixCapture, Example: "a page at 0x10000, nothing mapped there",
	},
	{
		Code: "M053", Severity: Error, Title: "pages in a mapping that has none of its own",
		Why: "Shared mappings have their pages in the file or object, special ones get them from the kernel.",
		Fix: fixCapture, Example: "a page in the vdso",
	},
	{
		Code: "M054", Severity: Error, Title: "pages beyond the end of an object",
		Why: "There is no place to restore them to.",
		Fix: fixCapture, Example: "page 5 of a memfd of 4096 bytes",
	},
}
