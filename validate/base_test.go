package validate

import (
	"encoding/binary"

	"github.com/thaw-cr/thaw/format"
)

// Ids of the base image's objects.
const (
	idProcess, idProcess2   = 1, 2
	idMemory, idMemory2     = 10, 11
	idShared, idMemfdMem    = 15, 16
	idTable, idTable2       = 20, 21
	idRegular               = 30
	idPipeRead, idPipeWrite = 31, 32
	idMemfd                 = 33
	idEventfd               = 34
	idEpoll                 = 35
	idTimerfd               = 36
	idSignalfd              = 37
	idDevice                = 38
	idDirectory             = 39
	idTTY                   = 40
	idDeletedFile           = 41
	idFifo                  = 42
	idBuffer, idFifoBuffer  = 50, 51
	idDeleted               = 55
	idFS                    = 60
	idHandlers, idHandlers2 = 65, 66
	idCreds                 = 70
	idTerminal              = 75
	idFree                  = 99
)

const (
	textAddr  = 0x400000
	vdsoAddr  = 0x7ffff7ffc000
	anonAddr  = 0x7f0000020000
	stackAddr = 0x7ffffffde000
	holeAddr  = 0x500000000
)

// baseImage is a valid image: root 100 with thread 101, child 102 in a session
// of its own and asleep, zombie 103.
func baseImage() *format.Image {
	return &format.Image{
		Provenance: format.Provenance{Tool: "thaw", Arch: "amd64", PageSize: 4096, Kernel: "6.18.44"},
		Root:       100,
		Tasks:      baseTasks(),
		Objects: format.Objects{
			Processes:  baseProcesses(),
			Memories:   []format.AddressSpace{baseMemory(), smallMemory(idMemory2)},
			Shared:     baseShared(),
			FileTables: baseTables(),
			Files:      baseFiles(),
			Pipes: []format.PipeBuffer{
				{ID: idBuffer, Capacity: 65536, Data: []byte("hello")},
				{ID: idFifoBuffer, Capacity: 4096, Fifo: format.FileRef{Path: "/run/fifo", Mode: 0o010600}},
			},
			Deleted: []format.DeletedFile{{ID: idDeleted, Path: "/tmp/gone", Size: 100, Mode: 0o100600}},
			FS:      []format.FS{{ID: idFS, Cwd: "/tmp", Root: "/", Umask: 0o22}},
			Handlers: []format.SignalHandlers{
				{ID: idHandlers, Actions: []format.SignalAction{
					{Signal: 2, Handler: format.HandlerIgnore},
					{Signal: 10, Handler: textAddr + 0x1000, Flags: saRestorer | 0x10000000, Restorer: textAddr + 0x1100},
				}},
				{ID: idHandlers2},
			},
			Creds: []format.Credentials{{
				ID: idCreds, UID: 1000, EUID: 1000, SUID: 1000, FSUID: 1000, GID: 100, EGID: 100, SGID: 100, FSGID: 100,
				Groups: []uint32{10, 100}, Permitted: 3, Effective: 1, Inheritable: 1, Ambient: 1, Bounding: 0x1ffffffffff,
			}},
			Terminals: []format.Terminal{{
				ID: idTerminal, Path: "/dev/pts/3", Index: 3, Major: 136, Minor: 3, Inherited: true, Session: 50, Group: 100,
				Settings: make([]byte, termiosSize), Rows: 24, Columns: 80,
			}},
		},
	}
}

func baseTasks() []format.Task {
	root := livingTask(100, 100, 1)
	root.PGID, root.SID = 100, 50
	root.Registers.AMD64.XSave = baseXSave()
	root.RobustList = &format.RobustList{Head: 0x402100, Length: 24}
	root.Rseq = &format.Rseq{Address: 0x402200, Length: 32, Signature: 0x53053053}
	root.TIDAddress = 0x402300
	root.Sched = &format.Sched{Nice: 5, Affinity: []uint64{3}}
	root.Pending = []format.SigInfo{sigInfo(12)}
	root.SignalMask = 1 << 11
	thread := livingTask(101, 100, 1)
	thread.PGID, thread.SID = 100, 50
	thread.ExitSignal = 0
	thread.AltStack = &format.AltStack{Base: anonAddr, Size: 8192}
	child := livingTask(102, 102, 100)
	child.Process, child.Memory, child.Files, child.Handlers = idProcess2, idMemory2, idTable2, idHandlers2
	r := child.Registers.AMD64
	restart := int64(restartBlock)
	r.RAX, r.OrigAX = uint64(restart), 35
	child.Restart = &format.Restart{Kind: format.RestartNanosleep, Clock: 1, Remaining: 1e9, Known: true, Remainder: stackAddr}
	zombie := format.Task{
		TID: 103, TGID: 103, PPID: 100, PGID: 100, SID: 50, State: format.Zombie, Comm: "true",
		Status: format.ExitStatus(3), ExitSignal: format.SIGCHLD,
	}
	return []format.Task{root, thread, child, zombie}
}

// livingTask has session and group of its own number and uses the objects of
// the root.
func livingTask(tid, tgid, ppid format.PID) format.Task {
	return format.Task{
		TID: tid, TGID: tgid, PPID: ppid, PGID: tgid, SID: tgid, State: format.Running,
		ExitSignal: format.SIGCHLD, Comm: "counter",
		Process: idProcess, Memory: idMemory, Files: idTable, FS: idFS, Handlers: idHandlers, Creds: idCreds,
		Registers: &format.Registers{AMD64: &format.RegistersAMD64{
			RIP: textAddr + 0x1010, RSP: stackAddr + 0x8000, CS: selCode, SS: selData, RFlags: 0x246, OrigAX: ^uint64(0),
		}},
	}
}

func baseXSave() []byte {
	x := make([]byte, xsaveMin)
	binary.LittleEndian.PutUint32(x[mxcsrOffset:], 0x1f80)
	x[xsaveHeader] = 3
	return x
}

// sigInfo is a signal sent by kill(2), code SI_USER.
func sigInfo(sig format.Signal) format.SigInfo {
	raw := make([]byte, format.SigInfoSize)
	binary.LittleEndian.PutUint32(raw, uint32(sig))
	return format.SigInfo{Signal: sig, Raw: raw}
}

func baseProcesses() []format.Process {
	return []format.Process{
		{
			ID: idProcess, Terminal: idTerminal, OOMScoreAdj: 100,
			Pending:   []format.SigInfo{sigInfo(15)},
			Intervals: []format.IntervalTimer{{Which: 0, Remaining: 1e6, Interval: 1e6}},
			Timers:    []format.PosixTimer{{Number: 0, Clock: 1, Notify: 4, Signal: 14, Target: 101, Remaining: 5e9}},
			Limits:    []format.Limit{{Resource: 7, Soft: 1024, Hard: 4096}, {Resource: 11, Soft: 100, Hard: 100}},
		},
		{ID: idProcess2},
	}
}

func baseMemory() format.AddressSpace {
	exe := format.FileRef{Path: "/usr/bin/counter", Size: 20000, Mode: 0o100755}
	return format.AddressSpace{
		ID: idMemory, Exe: exe, Dumpable: 1, CoreFilter: 0x33, VDSO: make([]byte, digestSize),
		VMAs: []format.VMA{
			{Start: textAddr, End: 0x402000, Prot: 5, Kind: format.VMAFile, File: exe},
			{Start: 0x402000, End: 0x403000, Prot: 3, Kind: format.VMAFile, File: exe, Offset: 0x2000},
			{Start: 0x603000, End: 0x605000, Prot: 3, Kind: format.VMAHeap},
			{Start: 0x7f0000000000, End: 0x7f0000002000, Prot: 3, Kind: format.VMAShared, SharedMap: true, Shared: idShared},
			{Start: 0x7f0000010000, End: 0x7f0000011000, Prot: 3, Kind: format.VMAShared, SharedMap: true, Shared: idMemfdMem},
			{Start: anonAddr, End: 0x7f0000024000, Prot: 3, Kind: format.VMAAnon},
			{Start: 0x7ffff7ff8000, End: vdsoAddr, Prot: 1, Kind: format.VMAVVar, Name: "[vvar]", Flags: format.VMAIO | format.VMAPFNMap},
			{Start: vdsoAddr, End: 0x7ffff7ffe000, Prot: 5, Kind: format.VMAVDSO, Name: "[vdso]"},
			{Start: stackAddr, End: 0x7ffffffff000, Prot: 3, Kind: format.VMAStack, Flags: format.VMAGrowsDown},
			{Start: vsyscallAddr, End: vsyscallAddr + 4096, Prot: 4, Kind: format.VMAVSyscall},
		},
		StartCode: textAddr, EndCode: 0x401500, StartData: 0x402000, EndData: 0x402800, StartBrk: 0x603000, Brk: 0x605000,
		StartStack: 0x7fffffffe000, ArgStart: 0x7fffffffe100, ArgEnd: 0x7fffffffe110, EnvStart: 0x7fffffffe110, EnvEnd: 0x7fffffffe200,
		Auxv: []uint64{auxVDSO, vdsoAddr, auxPageSize, 4096, auxNull, 0},
	}
}

// smallMemory has code and a stack.
func smallMemory(id format.ObjectID) format.AddressSpace {
	exe := format.FileRef{Path: "/usr/bin/counter"}
	return format.AddressSpace{
		ID: id, Exe: exe, Dumpable: 1,
		VMAs: []format.VMA{
			{Start: textAddr, End: 0x402000, Prot: 5, Kind: format.VMAFile, File: exe},
			{Start: stackAddr, End: 0x7ffffffff000, Prot: 3, Kind: format.VMAStack, Flags: format.VMAGrowsDown},
		},
	}
}

func baseShared() []format.SharedMemory {
	return []format.SharedMemory{
		{ID: idShared, Kind: format.SharedAnon, Size: 8192},
		{ID: idMemfdMem, Kind: format.SharedMemfd, Size: 4096, Name: "buf", Seals: 2, MemfdFlags: 2},
	}
}

func baseTables() []format.FileTable {
	table := format.FileTable{ID: idTable}
	for i, id := range []format.ObjectID{
		idTTY, idRegular, idPipeRead, idPipeWrite, idMemfd, idEventfd, idEpoll, idTimerfd,
		idSignalfd, idDevice, idDirectory, idDeletedFile, idFifo,
	} {
		table.Entries = append(table.Entries, format.FileEntry{FD: format.FD(i), File: id, CloseOnExec: i > 5})
	}
	return []format.FileTable{table, {ID: idTable2, Entries: []format.FileEntry{{FD: 1, File: idPipeWrite}}}}
}

func baseFiles() []format.OpenFile {
	return []format.OpenFile{
		{
			ID: idRegular, Kind: format.FileRegular, Flags: format.OWrOnly | format.OAppend, Pos: 12,
			Regular: &format.RegularFile{File: format.FileRef{Path: "/tmp/log", Mode: 0o100644}},
		},
		{ID: idPipeRead, Kind: format.FilePipe, Pipe: &format.PipeEnd{Buffer: idBuffer}},
		{ID: idPipeWrite, Kind: format.FilePipe, Flags: format.OWrOnly, Pipe: &format.PipeEnd{Buffer: idBuffer}},
		{ID: idMemfd, Kind: format.FileMemfd, Flags: format.ORdWr, Memfd: &format.MemfdFile{Shared: idMemfdMem}},
		{ID: idEventfd, Kind: format.FileEventfd, Flags: format.ORdWr, Eventfd: &format.Eventfd{Count: 7}},
		{ID: idEpoll, Kind: format.FileEpoll, Flags: format.ORdWr, Epoll: &format.Epoll{Watches: []format.EpollWatch{
			{FD: 2, File: idPipeRead, Events: 1, Data: 2}, {FD: 5, File: idEventfd, Events: 1, Data: 5},
		}}},
		{ID: idTimerfd, Kind: format.FileTimerfd, Flags: format.ORdWr, Timerfd: &format.Timerfd{Clock: 1, Remaining: 1e9}},
		{ID: idSignalfd, Kind: format.FileSignalfd, Flags: format.ORdWr, Signalfd: &format.Signalfd{Mask: 1 << 11}},
		{
			ID: idDevice, Kind: format.FileDevice, Flags: format.ORdWr,
			Device: &format.DeviceFile{File: format.FileRef{Path: "/dev/null", Mode: 0o020666}, Major: 1, Minor: 3},
		},
		{
			ID: idDirectory, Kind: format.FileDirectory, Flags: format.ODirectory,
			Directory: &format.DirectoryFile{File: format.FileRef{Path: "/tmp", Mode: 0o041777}},
		},
		{ID: idTTY, Kind: format.FileTTY, Flags: format.ORdWr, TTY: &format.TTYFile{Terminal: idTerminal}},
		{
			ID: idDeletedFile, Kind: format.FileRegular, Flags: format.ORdWr,
			Regular: &format.RegularFile{File: format.FileRef{Path: "/tmp/gone", Deleted: idDeleted}},
		},
		{ID: idFifo, Kind: format.FileFifo, Flags: format.ORdWr, Pipe: &format.PipeEnd{Buffer: idFifoBuffer}},
	}
}

func basePages() []pagesOf {
	return []pagesOf{
		{Object: idMemory, Runs: []format.PageRun{
			{First: 0x402, Count: 1},
			{First: 0x603, Count: 2, Zero: true},
			{First: anonAddr / 4096, Count: 1},
			{First: 0x7fffffffe, Count: 1},
		}},
		{Object: idShared, Runs: []format.PageRun{{First: 0, Count: 2}}},
		{Object: idMemfdMem, Runs: []format.PageRun{{First: 0, Count: 1}}},
		{Object: idDeleted, Runs: []format.PageRun{{First: 0, Count: 1}}},
	}
}
