package malformed

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// lcrGenerations has a few faults of the first and last records in images of each
// generation, of different word lengths and byte orders.
func lcrGenerations(w *workshop) []lcrFault {
	var list []lcrFault
	for _, base := range lcrSynthetic {
		b := w.base(base)
		if b == nil {
			return nil
		}
		name := strings.TrimPrefix(base, "linux-cr-")
		// The magic number is at offset 8 in all generations, in the order of the
		// machine; headers of the first era have lengths of 16 bits.
		var order binary.ByteOrder = binary.LittleEndian
		if b[8] == 0 && b[9] == 0xfe {
			order = binary.BigEndian
		}
		old := strings.HasPrefix(name, "a")
		rev, tail := 24, len(b)-8
		if old {
			rev = 22
		}
		list = append(list,
			lcrFault{fault{name + "-magic", "the magic number is another", "header, offset 8", "F001"}, base, func(l *lcrImage) { l.b[10] ^= 1 }},
			lcrFault{fault{name + "-magic-turned", "the magic number is in the other byte order", "header, offset 8", "F013"}, base, func(l *lcrImage) { slices.Reverse(l.b[8:16]) }},
			lcrFault{fault{name + "-revision-99", "revision 99", "header, offset " + map[bool]string{true: "22", false: "24"}[old], "F002"}, base, func(l *lcrImage) { order.PutUint16(l.b[rev:], 99) }},
			lcrFault{fault{name + "-header-cut", "the image ends in its header", "header", "F003"}, base, func(l *lcrImage) { l.b = l.b[:40] }},
			lcrFault{fault{name + "-half", "the second half of the image is not there", "middle of the image", "F003"}, base, func(l *lcrImage) { l.b = l.b[:len(l.b)/2] }},
			lcrFault{fault{name + "-no-tail", "the image ends before its last record", "end of the image", "F003"}, base, func(l *lcrImage) { l.b = l.b[:len(l.b)-16] }},
			lcrFault{fault{name + "-tail-magic", "the magic number of the last record is another", "last record, offset 8", "F013"}, base, func(l *lcrImage) { l.b[tail] ^= 1 }},
			lcrFault{fault{name + "-trailing", "a byte follows the last record", "end of the image", "F004"}, base, func(l *lcrImage) { l.b = append(l.b, 0) }},
		)
	}
	return list
}

// lcrSynthetic are the bases of generations that no kernel image is there of.
var lcrSynthetic = []string{
	"linux-cr-a1-x86_32", "linux-cr-a2-x86_64", "linux-cr-a3-x86_32", "linux-cr-b1-x86_32", "linux-cr-b2-s390x", "linux-cr-b3-x86_64",
	"linux-cr-b4-ppc64", "linux-cr-c1-x86_64", "linux-cr-c2-s390x", "linux-cr-c3-rc3-x86_32", "linux-cr-d1-x86_64", "linux-cr-d2-ppc32",
	"linux-cr-d4-arm", "linux-cr-d5-x86_64", "linux-cr-d6-s390x", "linux-cr-d7-x86_64", "linux-cr-d8-arm",
}

// u16 changes a field of the first record of a type, u32 and u64 one of the nth.
func u16(typ uint32, at int, v uint16) func(*lcrImage) {
	return func(l *lcrImage) { le.PutUint16(l.b[l.nth(typ, 0)+at:], v) }
}

func u32(typ uint32, n, at int, v uint32) func(*lcrImage) {
	return func(l *lcrImage) { l.put32(l.nth(typ, n)+at, v) }
}

func u64(typ uint32, n, at int, v uint64) func(*lcrImage) {
	return func(l *lcrImage) { l.put64(l.nth(typ, n)+at, v) }
}

// Types of records in the bases that kernels wrote.
const (
	lHeader, lBuffer, lString, lObjref, lTree, lTask       = 1, 4, 5, 6, 101, 102
	lTaskNS, lTaskObjs, lRestart, lThread, lCPU            = 103, 104, 105, 106, 107
	lCred, lUser, lGroups, lTaskCreds, lFPU                = 114, 115, 116, 117, 201
	lFileTable, lFileDesc, lFileName, lFile                = 301, 302, 303, 304
	lPipeBuf, lEpollItems                                  = 305, 308
	lMM, lVMA, lPages, lContext, lIPC, lShm, lMsg, lMsgMsg = 401, 402, 403, 404, 501, 502, 503, 504
	lSem, lSighand, lSignal, lSignalTask, lPending, lTail  = 505, 601, 602, 603, 604, 9001
	lError                                                 = 9999
)

// Tasks of lcrTree in their order: 60 zroot, 61 to 63 zombies, 64 alive, 65 zpar, 66
// a zombie. The fifth buffer is the table of their numbers.
const (
	lcrTable                                  = 4
	lcrPID, lcrPPID, lcrTGID, lcrPGID, lcrSID = 0, 4, 8, 12, 16
	lcrEntry                                  = 24
)

// id changes a number of a task in the table.
func id(task, field int, v uint32) func(*lcrImage) {
	return u32(lBuffer, lcrTable, 8+lcrEntry*task+field, v)
}

// lcrTrees are faults of the table of tasks.
var lcrTrees = []lcrFault{
	{fault{"tasks-zero", "no tasks", "TREE, offset 8", "F013"}, lcrTree, u32(lTree, 0, 8, 0)},
	{fault{"tasks-negative", "a negative number of tasks", "TREE, offset 8", "F013"}, lcrTree, u32(lTree, 0, 8, math.MaxUint32)},
	{fault{"tasks-huge", "2^31-1 tasks", "TREE, offset 8", "F006"}, lcrTree, u32(lTree, 0, 8, math.MaxInt32)},
	{fault{"tasks-one-more", "a task more than the table has", "TREE, offset 8", "F013"}, lcrTree, u32(lTree, 0, 8, 8)},
	{fault{"tasks-one-less", "a task less than the table has", "TREE, offset 8", "F013"}, lcrTree, u32(lTree, 0, 8, 6)},
	{fault{"pid-twice", "two tasks have one number", "table, task 1, vpid", "H006"}, lcrTree, func(l *lcrImage) { id(1, lcrPID, 60)(l); id(1, lcrTGID, 60)(l) }},
	{fault{"pid-zero", "a task has number 0", "table, task 1, vpid", "H007"}, lcrTree, func(l *lcrImage) { id(1, lcrPID, 0)(l); id(1, lcrTGID, 0)(l) }},
	{fault{"pid-negative", "a task has a negative number", "table, task 1, vpid", "H007"}, lcrTree, func(l *lcrImage) { id(1, lcrPID, 0xfffffff0)(l); id(1, lcrTGID, 0xfffffff0)(l) }},
	{fault{"pid-max", "a task has the greatest number of 32 bits", "table, task 1, vpid", "H007"}, lcrTree, func(l *lcrImage) { id(1, lcrPID, math.MaxInt32)(l); id(1, lcrTGID, math.MaxInt32)(l) }},
	{fault{"leader-missing", "a thread of a process that is not there", "table, task 1, vtgid", "H008 H010"}, lcrTree, id(1, lcrTGID, 77)},
	{fault{"leader-zero", "a thread of process 0", "table, task 1, vtgid", "H007 H008 H010"}, lcrTree, id(1, lcrTGID, 0)},
	{fault{"own-parent", "a task that is its own parent", "table, task 4, vppid", "H024"}, lcrTree, id(4, lcrPPID, 64)},
	{fault{"parent-cycle", "two tasks that are each other's parents", "table, tasks 4 and 5, vppid", "H024"}, lcrTree, func(l *lcrImage) { id(4, lcrPPID, 65)(l); id(5, lcrPPID, 64)(l) }},
	{fault{"parent-missing", "a parent that is not there", "table, task 4, vppid", "H047"}, lcrTree, id(4, lcrPPID, 999)},
	{fault{"parent-zombie", "a zombie with a living child", "table, task 4, vppid", "H023"}, lcrTree, id(4, lcrPPID, 61)},
	{fault{"parent-negative", "a negative parent", "table, task 4, vppid", "H007"}, lcrTree, id(4, lcrPPID, 0x80000000)},
	{fault{"group-negative", "a negative group", "table, task 4, vpgid", "H007"}, lcrTree, id(4, lcrPGID, 0xffffff00)},
	{fault{"session-negative", "a negative session", "table, task 4, vsid", "H007 H027"}, lcrTree, id(4, lcrSID, 0xffffff00)},
	{fault{"root-not-first", "the root is the second task", "table, tasks 0 and 1", "H023"}, lcrTree, func(l *lcrImage) {
		at := l.nth(lBuffer, lcrTable) + 8
		first := slices.Clone(l.b[at : at+lcrEntry])
		copy(l.b[at:], l.b[at+lcrEntry:at+2*lcrEntry])
		copy(l.b[at+lcrEntry:], first)
	}},
	{fault{"table-short", "a table of numbers that lacks the last entry", "table, length", "F013"}, lcrTree, func(l *lcrImage) {
		at := l.nth(lBuffer, lcrTable)
		l.put32(at+4, le.Uint32(l.b[at+4:])-lcrEntry)
		l.b = slices.Delete(l.b, l.end(at), l.end(at)+lcrEntry)
	}},
	{fault{"table-long", "a table of numbers with an entry too many", "table, length", "F013"}, lcrTree, func(l *lcrImage) {
		at := l.nth(lBuffer, lcrTable)
		end := l.end(at)
		l.put32(at+4, le.Uint32(l.b[at+4:])+lcrEntry)
		l.b = slices.Insert(l.b, end, make([]byte, lcrEntry)...)
	}},
	{fault{"task-missing", "a task of the table that does not follow", "last zombie", "F010"}, lcrTree, func(l *lcrImage) {
		l.b = slices.Delete(l.b, l.nth(lTask, -1), l.nth(lTail, 0))
	}},
	{fault{"task-too-many", "a task that is not in the table", "after the last zombie", "F010"}, lcrTree, func(l *lcrImage) {
		l.b = slices.Insert(l.b, l.nth(lTail, 0), slices.Clone(l.b[l.nth(lTask, -1):l.nth(lTail, 0)])...)
	}},
	{fault{"zombie-with-records", "a zombie with more than its name", "first zombie", "F010"}, lcrTree, func(l *lcrImage) {
		thread := slices.Clone(l.b[l.nth(lThread, 0):l.end(l.nth(lThread, 0))])
		l.b = slices.Insert(l.b, l.nth(lTask, 2), thread...)
	}},
	{fault{"zombie-code-and-signal", "a zombie with an exit code and a signal", "first zombie, exit_code", "H014"}, lcrTree, u32(lTask, 1, 16, 0x101)},
	{fault{"zombie-signal-65", "a zombie killed by signal 65", "first zombie, exit_code", "H014"}, lcrTree, u32(lTask, 1, 16, 65)},
	{fault{"zombie-status-17-bits", "a wait status of 17 bits", "first zombie, exit_code", "F013"}, lcrTree, u32(lTask, 1, 16, 0x10000)},
	{fault{"zombie-not-dead", "a zombie that is not dead", "first zombie, exit_state", "F013"}, lcrTree, u32(lTask, 1, 12, 0)},
	{fault{"zombie-gone", "a task that is dead and waited for", "first zombie, exit_state", "F013"}, lcrTree, u32(lTask, 1, 12, 32)},
	{fault{"living-with-status", "a living task with a wait status", "root, exit_code", "H013"}, lcrTree, u32(lTask, 0, 16, 0x100)},
	{fault{"state-unknown", "a scheduler state that does not exist", "root, state", "F013"}, lcrTree, u32(lTask, 0, 8, 0x4000)},
	{fault{"exit-signal-minus-one", "a leader with the exit signal of threads", "task 64, exit_signal", "F013"}, lcrTree, u32(lTask, 4, 20, math.MaxUint32)},
	{fault{"exit-signal-65", "exit signal 65", "task 64, exit_signal", "F013"}, lcrTree, u32(lTask, 4, 20, 65)},
	{fault{"death-signal-99", "parent-death signal 99", "task 64, pdeath_signal", "F013"}, lcrTree, u32(lTask, 4, 24, 99)},
	{fault{"thread-exit-signal", "a thread that signals its end", "thread 114, exit_signal", "H031"}, lcrThreads, u32(lTask, 2, 20, 17)},
	{fault{"thread-other-parent", "a thread with another parent than its leader", "table, task 2, vppid", "H016"}, lcrThreads, id(2, lcrPPID, 1)},
	{fault{"thread-other-group", "a thread in another group than its leader", "table, task 2, vpgid", "H017"}, lcrThreads, id(2, lcrPGID, 77)},
	{fault{"thread-own-leader", "a dead leader without a thread, and an orphaned thread", "table, task 2, vtgid", "F013"}, lcrThreads, id(2, lcrTGID, 114)},
	{fault{"error-record", "the kernel said that the checkpoint failed", "before the last record", "F013"}, lcrTree, func(l *lcrImage) {
		rec := le.AppendUint32(nil, lError)
		rec = append(le.AppendUint32(rec, 8), le.AppendUint32(nil, lString)...)
		rec = append(le.AppendUint32(rec, 8+12), "[err -16]: x"...)
		l.b = slices.Insert(l.b, l.nth(lTail, 0), rec...)
	}},
}

// lcrHeaders are faults of the header of an image that a kernel wrote.
var lcrHeaders = []lcrFault{
	{fault{"arch-zero", "machine 0", "HEADER, offset 16", "F013"}, lcrTree, u16(lHeader, 16, 0)},
	{fault{"arch-99", "machine 99", "HEADER, offset 16", "F002"}, lcrTree, u16(lHeader, 16, 99)},
	{fault{"arch-big-endian", "a machine of the other byte order", "HEADER, offset 16", "F013"}, lcrTree, u16(lHeader, 16, 3)},
	{fault{"revision-zero", "revision 0", "HEADER, offset 24", "F002"}, lcrTree, u16(lHeader, 24, 0)},
	{fault{"revision-max", "revision 65535", "HEADER, offset 24", "F002"}, lcrTree, u16(lHeader, 24, math.MaxUint16)},
	{fault{"flags-unknown", "flags that do not exist", "HEADER, offset 64", "F011"}, lcrTree, u64(lHeader, 0, 64, 1<<40)},
	{fault{"comm-length-zero", "names of no bytes", "HEADER, offset 32", "F013"}, lcrTree, u16(lHeader, 32, 0)},
	{fault{"comm-length-max", "names of 65535 bytes", "HEADER, offset 32", "F013"}, lcrTree, u16(lHeader, 32, math.MaxUint16)},
	{fault{"auxv-length", "an auxiliary vector of another length", "HEADER, offset 34", "F013"}, lcrTree, u16(lHeader, 34, 3)},
	{fault{"signals-65", "65 signals", "HEADER, offset 36", "F013"}, lcrTree, u16(lHeader, 36, 65)},
	{fault{"release-length", "a release of 64 bytes", "HEADER, offset 42", "F013"}, lcrTree, u16(lHeader, 42, 64)},
	{fault{"limits-15", "15 limits", "HEADER, offset 50", "F013"}, lcrTree, u16(lHeader, 50, 15)},
}
