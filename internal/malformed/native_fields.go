package malformed

import (
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// nobody is (uid_t) -1.
const nobody = ^uint32(0)

// fieldFaults are fields of the model that hold what no kernel gives or takes, one
// each.
var fieldFaults = []modelFault{
	{fault{"selector-null-of-level-1", "a data selector that ptrace refuses", "task 100, es", "S006"}, func(m tree) { m.regs().ES = 1 }},
	{fault{"selector-local-table", "a selector of a local descriptor table", "task 100, gs", "S019"}, func(m tree) { m.regs().GS = 7 }},
	{fault{"sleep-by-thread-time", "a sleep by the time of a thread", "task 102, restart", "S018"}, func(m tree) { m.task(102).Restart.Clock = 3 }},
	{fault{"sleep-rest-in-a-hole", "the rest of a sleep goes where nothing is mapped", "task 102, restart", "S034"}, func(m tree) { m.task(102).Restart.Remainder = treeHole }},
	{fault{"rseq-in-code", "an rseq area that cannot be written", "task 100, rseq", "S035"}, func(m tree) { m.task(100).Rseq.Address = treeText }},
	{fault{"rseq-at-zero", "an rseq area at 0", "task 100, rseq", "S045"}, func(m tree) { m.task(100).Rseq.Address = 0 }},
	{fault{"timer-by-a-file", "a timer on a clock that is an open file", "object 1, timers", "S053"}, func(m tree) { m.Objects.Processes[0].Timers[0].Clock = -5 }},
	{fault{"io-level-without-class", "an I/O priority without a class", "task 100, sched", "S074"}, func(m tree) { m.task(100).Sched.IOPrio = 4 }},
	{fault{"groups-65537", "65537 groups", "object 70, groups", "S087"}, func(m tree) { m.Objects.Creds[0].Groups = make([]uint32, 65537) }},
	{fault{"sigstop-with-flags", "an action for SIGSTOP with flags", "object 65, actions", "S023"}, func(m tree) {
		m.Objects.Handlers[0].Actions[0] = format.SignalAction{Signal: format.SIGSTOP, Flags: 0x10000000}
	}},
	{fault{"vma-anon-with-offset", "private memory at an offset", "object 10, vmas", "M015"}, func(m tree) { m.vma(treeAnon).Offset = pageSize }},
	{fault{"auxv-long", "an auxiliary vector of a thousand words", "object 10, auxv", "M030"}, func(m tree) {
		m.memory().Auxv = append(m.memory().Auxv, make([]uint64, 1000)...)
	}},
	{fault{"code-empty", "a program without code", "object 10, end_code", "M035"}, func(m tree) { m.memory().EndCode = treeText }},
	{fault{"memfd-huge-size-alone", "a memfd with a size of huge pages, but of small ones", "object 16, memfd_flags", "M061"}, func(m tree) { m.Objects.Shared[1].MemfdFlags = 21 << 26 }},
	{fault{"brk-start-zero", "a heap that begins at 0", "object 10, start_brk", "M067"}, func(m tree) { m.memory().StartBrk = 0 }},
	{fault{"file-ends-before-pages", "a page behind the end of the mapped file", "object 10, vmas", "M069"}, func(m tree) {
		v := m.vma(treeData)
		v.File.Size, v.Offset = pageSize, 5*pageSize
	}},
	{fault{"mode-bit-31", "a mode with more than 16 bits", "object 30, mode", "R039"}, func(m tree) { m.file(treeRegular).Regular.File.Mode |= 1 << 31 }},
	{fault{"mode-type-3", "a type of files that does not exist", "object 10, exe", "R039"}, func(m tree) { m.memory().Exe.Mode = 0o030755 }},
	{fault{"digest-short", "a digest of 20 bytes where one of 32 stands", "object 30, sha256", "R059"}, func(m tree) { m.file(treeRegular).Regular.File.SHA256 = make([]byte, 20) }},
	{fault{"digest-of-a-device", "a digest of the contents of a device", "object 38, sha256", "R059"}, func(m tree) { m.file(treeDevice).Device.File.SHA256 = make([]byte, 32) }},
	{fault{"deleted-of-nobody", "a file without a name that belongs to nobody", "object 55, uid", "R048"}, func(m tree) { m.Objects.Deleted[0].UID = nobody }},
	{fault{"deleted-relative", "a file without a name in no directory", "object 55, path", "R019"}, func(m tree) { m.Objects.Deleted[0].Path = "gone" }},
	{fault{"flags-eventfd-read-only", "an eventfd open for reading only", "object 34, flags", "R049"}, func(m tree) { m.file(treeEventfd).Flags = format.ORdOnly }},
	{fault{"flags-directory", "a regular file opened as a directory", "object 30, flags", "R049"}, func(m tree) { m.file(treeRegular).Flags |= format.ODirectory }},
	{fault{"epoll-descriptor-negative", "a watch of descriptor -1", "object 35, epoll", "R054"}, func(m tree) { m.file(treeEpoll).Epoll.Watches[0].FD = -1 }},
	{fault{"epoll-all-events", "a watch of all events at once", "object 35, epoll", "R054"}, func(m tree) { m.file(treeEpoll).Epoll.Watches[0].Events = ^uint32(0) }},
	{fault{"path-part-long", "a path with a name of 300 bytes", "object 30, path", "R055"}, func(m tree) { m.file(treeRegular).Regular.File.Path = "/" + strings.Repeat("x", 300) }},
	{fault{"attachment-role", "an attachment with a role that does not exist", "image, attachments", "R089"}, func(m tree) {
		m.Attachments = append(m.Attachments, format.Attachment{Format: "criu", Record: "x", Role: "important"})
	}},
}
