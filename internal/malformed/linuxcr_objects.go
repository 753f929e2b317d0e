package malformed

import (
	"math"
	"slices"
)

// lcrStates are faults of registers, signals and credentials.
var lcrStates = []lcrFault{
	{fault{"cpu-kernel-ip", "an instruction pointer in the kernel", "CPU, offset 136", "S003"}, lcrTree, u64(lCPU, 0, 136, 0xffffffff81000000)},
	{fault{"cpu-ip-in-a-hole", "an instruction pointer where nothing is mapped", "CPU, offset 136", "M044"}, lcrTree, u64(lCPU, 0, 136, 0x500000000)},
	{fault{"cpu-ip-in-data", "an instruction pointer in memory that is not executable", "CPU, offset 136", "M045"}, lcrTree, u64(lCPU, 0, 136, 0x410000)},
	{fault{"cpu-kernel-sp", "a stack pointer in the kernel", "CPU, offset 144", "S004"}, lcrTree, u64(lCPU, 0, 144, 0xffff888000000000)},
	{fault{"cpu-iopl", "the right to use ports", "CPU, offset 152", "S007"}, lcrTree, u64(lCPU, 0, 152, 0x3202)},
	{fault{"cpu-interrupts-off", "interrupts switched off", "CPU, offset 152", "S008"}, lcrTree, u64(lCPU, 0, 152, 0x2)},
	{fault{"cpu-kernel-fs-base", "a segment base in the kernel", "CPU, offset 160", "S009 S049"}, lcrTree, u64(lCPU, 0, 160, 1<<63)},
	{fault{"cpu-no-cs", "no code segment", "CPU, offset 180", "S005"}, lcrTree, u16(lCPU, 180, 0)},
	{fault{"cpu-data-cs", "a data segment for code", "CPU, offset 180", "S005"}, lcrTree, u16(lCPU, 180, 4)},
	{fault{"cpu-selector-9", "a selector of no kind", "CPU, offset 180", "F013"}, lcrTree, u16(lCPU, 180, 9)},
	{fault{"cpu-math-unused", "floating point state of a task that never used any", "CPU, offset 188", "F010"}, lcrTree, u32(lCPU, 0, 188, 0)},
	{fault{"fpu-mxcsr", "reserved bits of MXCSR", "CPU_FPU, offset 32", "S014"}, lcrTree, u32(lFPU, 0, 8+24, 0xffff0000)},
	{fault{"thread-tls-size", "a TLS array of another length", "THREAD, offset 14", "F013"}, lcrTree, u16(lThread, 14, 16)},
	{fault{"thread-tls-system", "a system segment in the TLS array", "THREAD, offset 16", "F013"}, lcrTree, u64(lThread, 0, 16, 0x00cf8b000000ffff)},
	{fault{"restart-type-99", "a system call to restart that does not exist", "RESTART_BLOCK, offset 8", "F013"}, lcrTree, u64(lRestart, 0, 8, 99)},
	{fault{"robust-list-length", "a robust list of another length", "TASK, offset 36", "S044"}, lcrTree, func(l *lcrImage) { u32(lTask, 0, 36, 16)(l); u64(lTask, 0, 40, 0x40d100)(l) }},
	{fault{"mask-kill", "SIGKILL blocked", "SIGNAL_TASK, offset 8", "S020"}, lcrTree, func(l *lcrImage) { l.b[l.nth(lSignalTask, 0)+9] |= 1 }},
	{fault{"handler-in-a-hole", "a signal handler where nothing is mapped", "SIGHAND, action of SIGUSR1", "S026"}, lcrTree, func(l *lcrImage) {
		at := l.nth(lSighand, 0) + 8 + 9*32
		l.put64(at, 0x500000000)
		l.put64(at+8, 0x04000000)
		l.put64(at+16, 0x401000)
	}},
	{fault{"handler-of-kill", "a handler for SIGKILL", "SIGHAND, action of SIGKILL", "S023"}, lcrTree, u64(lSighand, 0, 8+8*32, 1)},
	{fault{"limit-soft-above-hard", "a soft limit above the hard one", "SIGNAL, offset 8", "S062"}, lcrTree, func(l *lcrImage) { u64(lSignal, 0, 8, 10)(l); u64(lSignal, 0, 16, 5)(l) }},
	{fault{"pending-count", "more pending signals than the record holds", "SIGPENDING, offset 8", "F013"}, lcrSignals, u32(lPending, 0, 8, 1000)},
	{fault{"pending-count-max", "2^32-1 pending signals", "SIGPENDING, offset 8", "F013"}, lcrSignals, u32(lPending, 0, 8, math.MaxUint32)},
	{fault{"pending-signal-99", "signal 99 pending", "SIGPENDING, offset 24", "F013"}, lcrSignals, func(l *lcrImage) { l.put32(lcrPendingEntry(l), 99) }},
	{fault{"pending-signal-zero", "signal 0 pending", "SIGPENDING, offset 24", "F013"}, lcrSignals, func(l *lcrImage) { l.put32(lcrPendingEntry(l), 0) }},
	{fault{"groups-count", "more groups than the record holds", "GROUPINFO, offset 8", "F013"}, lcrTree, u32(lGroups, 0, 8, 1000)},
	{fault{"groups-count-max", "2^32-1 groups", "GROUPINFO, offset 8", "F013"}, lcrTree, u32(lGroups, 0, 8, math.MaxUint32)},
	{fault{"cred-user-minus-one", "user 2^32-1", "CRED, offset 8", "S083"}, lcrTree, u32(lCred, 0, 8, math.MaxUint32)},
	{fault{"cred-effective", "effective capabilities that are not permitted", "CRED, permitted", "S080"}, lcrTree, u64(lCred, 0, 56+8, 0)},
}

// lcrPendingEntry is the place of the first pending signal.
func lcrPendingEntry(l *lcrImage) int {
	for _, at := range l.records(lPending) {
		if le.Uint32(l.b[at+8:]) > 0 {
			return at + 24
		}
	}
	panic("the base has no pending signal") // a mistake in a table
}

// lcrMemories are faults of memory. The first memory maps the program at 0x400000
// to 0x40f000 in four parts, 0x40f000 to 0x413000, the stack, and the vdso.
var lcrMemories = []lcrFault{
	{fault{"map-count-zero", "no mappings, and seven follow", "MM, offset 8", "F010"}, lcrTree, u32(lMM, 0, 8, 0)},
	{fault{"map-count-one-more", "a mapping more than follow", "MM, offset 8", "F010"}, lcrTree, u32(lMM, 0, 8, 8)},
	{fault{"map-count-one-less", "a mapping less than follow", "MM, offset 8", "F010"}, lcrTree, u32(lMM, 0, 8, 6)},
	{fault{"map-count-max", "2^32-1 mappings", "MM, offset 8", "F006"}, lcrTree, u32(lMM, 0, 8, math.MaxUint32)},
	{fault{"vma-start-unaligned", "a mapping that begins in the middle of a page", "VMA, offset 32", "F013"}, lcrTree, u64(lVMA, 4, 32, 0x40f010)},
	{fault{"vma-end-unaligned", "a mapping that ends in the middle of a page", "VMA, offset 40", "F013"}, lcrTree, u64(lVMA, 4, 40, 0x412fff)},
	{fault{"vma-empty", "a mapping of nothing", "VMA, offset 40", "F013"}, lcrTree, u64(lVMA, 2, 40, 0x40b000)},
	{fault{"vma-reversed", "a mapping that ends before it begins", "VMA, offset 40", "F013"}, lcrTree, u64(lVMA, 2, 40, 0x1000)},
	{fault{"vma-overlap", "mappings that overlap", "VMA, offset 40", "M006"}, lcrTree, u64(lVMA, 2, 40, 0x40e000)},
	{fault{"vma-kernel", "a mapping that ends in the kernel", "VMA, offset 40", "M006 M007"}, lcrTree, u64(lVMA, 5, 40, 0xffff800000000000)},
	{fault{"vma-type-zero", "a mapping of type 0", "VMA, offset 8", "F013"}, lcrTree, u32(lVMA, 4, 8, 0)},
	{fault{"vma-type-99", "a mapping of type 99", "VMA, offset 8", "F013"}, lcrTree, u32(lVMA, 4, 8, 99)},
	{fault{"vma-type-sysv-first", "a mapping of a type that images cannot have", "VMA, offset 8", "F013"}, lcrTree, u32(lVMA, 4, 8, 7)},
	{fault{"vma-file-dangling", "a mapping of a file that is not there", "VMA, offset 12", "F009"}, lcrTree, u32(lVMA, 0, 12, 999)},
	{fault{"vma-file-mistyped", "a mapping of an object that is no file", "VMA, offset 12", "F013"}, lcrTree, u32(lVMA, 0, 12, 1)},
	{fault{"vma-file-none", "a mapping of a file without one", "VMA, offset 12", "F009"}, lcrTree, u32(lVMA, 0, 12, 0)},
	{fault{"vma-offset-overflow", "offset and length of a mapping wrap around", "VMA, offset 64", "M018"}, lcrTree, u64(lVMA, 0, 64, 1<<52-1)},
	{fault{"pages-count-one-more", "a page more than follow", "PGARR, offset 8", "F013"}, lcrTree, lcrPages(func(l *lcrImage, at int) { l.put64(at+8, le.Uint64(l.b[at+8:])+1) })},
	{fault{"pages-count-max", "2^64-1 pages", "PGARR, offset 8", "F013"}, lcrTree, lcrPages(func(l *lcrImage, at int) { l.put64(at+8, math.MaxUint64) })},
	{fault{"pages-count-wraps", "so many pages that their length wraps around to that of one", "PGARR, offset 8", "F013"}, lcrTree, lcrPages(func(l *lcrImage, at int) { l.put64(at+8, 1<<61+1) })},
	{fault{"pages-count-zero", "no pages, and one follows", "PGARR, offset 8", "F010"}, lcrTree, lcrPages(func(l *lcrImage, at int) { l.put64(at+8, 0) })},
	{fault{"page-outside", "a page outside its mapping", "BUFFER after PGARR, first address", "F013"}, lcrTree, lcrPages(func(l *lcrImage, at int) { l.put64(l.end(at)+8, 0x500000000) })},
	{fault{"page-kernel", "a page at a kernel address", "BUFFER after PGARR, first address", "F013"}, lcrTree, lcrPages(func(l *lcrImage, at int) { l.put64(l.end(at)+8, 0xffff800000000000) })},
	{fault{"page-unaligned", "a page at an address in the middle of one", "BUFFER after PGARR, first address", "F013"}, lcrTree, lcrPages(func(l *lcrImage, at int) { l.put64(l.end(at)+8, le.Uint64(l.b[l.end(at)+8:])+8) })},
	{fault{"pages-twice", "a page twice", "pages of the stack", "F008"}, lcrTree, func(l *lcrImage) {
		at := lcrPageRecord(l, 3)
		l.put64(l.end(at)+16, le.Uint64(l.b[l.end(at)+8:]))
	}},
	{fault{"pages-endless", "the record that ends a mapping's pages is missing", "PGARR of no pages", "F010"}, lcrTree, func(l *lcrImage) {
		at := l.nth(lPages, 0)
		l.b = slices.Delete(l.b, at, l.end(at))
	}},
	{fault{"auxv-short", "an auxiliary vector that is a word short", "BUFFER after MM", "F013"}, lcrTree, func(l *lcrImage) {
		at := l.end(l.nth(lMM, 0))
		end := l.end(at)
		l.put32(at+4, le.Uint32(l.b[at+4:])-8)
		l.b = slices.Delete(l.b, end-8, end)
	}},
	{fault{"code-reversed", "code that ends before it begins", "MM, offset 40", "M035"}, lcrTree, u64(lMM, 0, 40, 0x1000)},
	{fault{"brk-kernel", "a break in the kernel", "MM, offset 72", "M036"}, lcrTree, u64(lMM, 0, 72, 0xffffffff81000000)},
	{fault{"program-dangling", "a program file that is not there", "MM, offset 12", "F009"}, lcrTree, u32(lMM, 0, 12, 999)},
	{fault{"vdso-elsewhere", "the vdso is not where it is mapped", "MM_CONTEXT, offset 8", "F013"}, lcrTree, func(l *lcrImage) { l.b[l.nth(lContext, 0)+9] ^= 0x10 }},
	{fault{"ldt-entry-size", "entries of the LDT of 16 bytes", "MM_CONTEXT, offset 16", "F013"}, lcrTree, u32(lContext, 0, 16, 16)},
	{fault{"ldt-count-max", "an LDT of 2^32-1 entries", "MM_CONTEXT, offset 20", "F013"}, lcrTree, u32(lContext, 0, 20, math.MaxUint32)},
}

// lcrPages changes the first record of pages that has any.
func lcrPages(change func(l *lcrImage, at int)) func(*lcrImage) {
	return func(l *lcrImage) { change(l, lcrPageRecord(l, 1)) }
}

// lcrPageRecord is the place of the first PGARR with at least n pages.
func lcrPageRecord(l *lcrImage, n uint64) int {
	for _, at := range l.records(lPages) {
		if le.Uint64(l.b[at+8:]) >= n {
			return at
		}
	}
	panic("the base has no such pages") // a mistake in a table
}

// lcrObjects are faults of shared objects and files.
var lcrObjects = []lcrFault{
	{fault{"objref-zero", "an object with number 0", "OBJREF, offset 12", "F013"}, lcrTree, u32(lObjref, 0, 12, 0)},
	{fault{"objref-negative", "an object with a negative number", "OBJREF, offset 12", "F013"}, lcrTree, u32(lObjref, 0, 12, math.MaxUint32)},
	{fault{"objref-twice", "an object's number is given again", "second OBJREF, offset 12", "F008"}, lcrTree, u32(lObjref, 1, 12, 1)},
	{fault{"objref-type-zero", "an object of the type to ignore", "OBJREF, offset 8", "F013"}, lcrTree, u32(lObjref, 0, 8, 0)},
	{fault{"objref-type-max", "an object of a type that does not exist", "OBJREF, offset 8", "F013"}, lcrTree, u32(lObjref, 0, 8, 20)},
	{fault{"objref-type-other", "an object of another type than follows", "OBJREF, offset 8", "F010"}, lcrTree, u32(lObjref, 0, 8, 3)},
	{fault{"objref-alone", "an object that nothing follows", "OBJREF before the last record", "F010"}, lcrTree, func(l *lcrImage) {
		ref := slices.Clone(l.b[l.nth(lObjref, 0):l.end(l.nth(lObjref, 0))])
		le.PutUint32(ref[12:], 500)
		l.b = slices.Insert(l.b, l.nth(lTail, 0), ref...)
	}},
	{fault{"objref-nested", "fifty thousand objects inside each other", "OBJREF", "F006"}, lcrTree, func(l *lcrImage) {
		at := l.nth(lObjref, 0)
		var deep []byte
		for i := range uint32(50000) {
			deep = le.AppendUint32(le.AppendUint32(deep, lObjref), 16)
			deep = le.AppendUint32(le.AppendUint32(deep, 3), 1000+i)
		}
		l.b = slices.Insert(l.b, at, deep...)
	}},
	{fault{"creds-dangling", "credentials that are not there", "TASK_CREDS, offset 8", "F009"}, lcrTree, u32(lTaskCreds, 0, 8, 999)},
	{fault{"creds-mistyped", "credentials that are a namespace", "TASK_CREDS, offset 8", "F013"}, lcrTree, u32(lTaskCreds, 0, 8, 4)},
	{fault{"user-dangling", "a user that is not there", "CRED, offset 40", "F009"}, lcrTree, u32(lCred, 0, 40, 999)},
	{fault{"namespaces-dangling", "namespaces that are not there", "TASK_NS, offset 8", "F009"}, lcrTree, u32(lTaskNS, 0, 8, 999)},
	{fault{"files-dangling", "a file table that is not there", "TASK_OBJS, offset 8", "F009"}, lcrTree, u32(lTaskObjs, 0, 8, 999)},
	{fault{"files-mistyped", "a file table that is memory", "TASK_OBJS, offset 8", "F013"}, lcrTree, u32(lTaskObjs, 0, 8, 12)},
	{fault{"memory-dangling", "a memory that is not there", "TASK_OBJS, offset 12", "F009"}, lcrTree, u32(lTaskObjs, 0, 12, 999)},
	{fault{"memory-none", "a living task without memory", "TASK_OBJS, offset 12", "H040 R007"}, lcrTree, u32(lTaskObjs, 0, 12, 0)},
	{fault{"descriptors-one-more", "a descriptor more than follow", "FILE_TABLE, offset 8", "F010"}, lcrTree, u32(lFileTable, 0, 8, 5)},
	{fault{"descriptors-one-less", "a descriptor less than follow", "FILE_TABLE, offset 8", "F010"}, lcrTree, u32(lFileTable, 0, 8, 3)},
	{fault{"descriptors-max", "2^31-1 descriptors", "FILE_TABLE, offset 8", "F006"}, lcrTree, u32(lFileTable, 0, 8, math.MaxInt32)},
	{fault{"descriptors-negative", "a negative number of descriptors", "FILE_TABLE, offset 8", "F006"}, lcrTree, u32(lFileTable, 0, 8, math.MaxUint32)},
	{fault{"descriptor-dangling", "a descriptor of a file that is not there", "FILE_DESC, offset 8", "F009"}, lcrTree, u32(lFileDesc, 0, 8, 999)},
	{fault{"descriptor-mistyped", "a descriptor of an object that is no file", "FILE_DESC, offset 8", "F013"}, lcrTree, u32(lFileDesc, 0, 8, 1)},
	{fault{"descriptor-negative", "descriptor -1", "FILE_DESC, offset 12", "F013"}, lcrTree, u32(lFileDesc, 0, 12, math.MaxUint32)},
	{fault{"descriptor-twice", "a descriptor twice", "FILE_DESC, offset 12", "F013"}, lcrTree, u32(lFileDesc, 1, 12, 0)},
	{fault{"file-type-zero", "a file of the type to ignore", "FILE, offset 8", "F013"}, lcrTree, u32(lFile, 0, 8, 0)},
	{fault{"file-type-99", "a file of type 99", "FILE, offset 8", "F013"}, lcrTree, u32(lFile, 0, 8, 99)},
	{fault{"file-flags-create", "a file whose flags say to create it", "FILE, offset 16", "F013"}, lcrTree, u32(lFile, 0, 16, 0o100102)},
	{fault{"file-position-negative", "a position of -1", "FILE, offset 24", "R017"}, lcrTree, u64(lFile, 1, 24, math.MaxUint64)},
	{fault{"path-relative", "a path that is not absolute", "FILE_NAME", "R019"}, lcrTree, func(l *lcrImage) { l.b[l.nth(lFileName, 0)+8] = 'x' }},
	{fault{"path-climbing", "a path with ..", "FILE_NAME", "R021"}, lcrTree, func(l *lcrImage) { copy(l.b[l.nth(lFileName, 0)+8:], "/../../ab") }},
	{fault{"path-zero-byte", "a path with a zero byte in it", "FILE_NAME", "F013"}, lcrTree, func(l *lcrImage) { l.b[l.nth(lFileName, 0)+10] = 0 }},
	{fault{"path-endless", "a path without its zero byte", "FILE_NAME", "F013"}, lcrTree, func(l *lcrImage) { l.b[l.end(l.nth(lFileName, 0))-1] = 'x' }},
	{fault{"ipc-kind-unknown", "System V objects of a kind that does not exist", "IPC, offset 8", "F013"}, lcrTree, u32(lIPC, 0, 8, 599)},
	{fault{"ipc-kind-order", "kinds of System V objects out of order", "IPC, offset 8", "F013"}, lcrTree, u32(lIPC, 0, 8, 503)},
	{fault{"ipc-count-max", "2^32-1 segments of System V memory", "IPC, offset 12", "F010"}, lcrTree, u32(lIPC, 0, 12, math.MaxUint32)},
}
