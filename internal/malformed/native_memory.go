package malformed

import (
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// memoryFaults are address spaces that no kernel gives.
var memoryFaults = []modelFault{
	{fault{"page-size-65536", "pages of 64 KiB", "image, page_size", "M001"}, func(m tree) { m.Provenance.PageSize = 65536 }},
	{fault{"vma-none", "a process that maps nothing", "object 11, vmas", "M002"}, func(m tree) { m.Objects.Memories[1].VMAs = nil }},
	{fault{"vma-empty", "a mapping of nothing", "object 10, vmas", "M003"}, func(m tree) { m.mapped(treeHole, treeHole) }},
	{fault{"vma-reversed", "a mapping that ends before it begins", "object 10, vmas", "M003"}, func(m tree) { m.mapped(treeHole, treeHole-pageSize) }},
	{fault{"vma-start-unaligned", "a mapping that begins in the middle of a page", "object 10, vmas", "M004"}, func(m tree) { m.mapped(treeHole+16, treeHole+pageSize) }},
	{fault{"vma-end-unaligned", "a mapping that ends in the middle of a page", "object 10, vmas", "M004"}, func(m tree) { m.mapped(treeHole, treeHole+pageSize-1) }},
	{fault{"vma-out-of-order", "mappings out of order", "object 10, vmas", "M005"}, func(m tree) { v := m.memory().VMAs; v[1], v[2] = v[2], v[1] }},
	{fault{"vma-overlap", "mappings that overlap", "object 10, vmas", "M006"}, func(m tree) { m.mapped(treeAnon+pageSize, treeAnon+8*pageSize) }},
	{fault{"vma-twice", "a mapping twice", "object 10, vmas", "M006"}, func(m tree) { m.mapped(treeAnon, treeAnon+4*pageSize) }},
	{fault{"vma-kernel", "a mapping in the kernel", "object 10, vmas", "M007"}, func(m tree) { m.mapped(0xffff800000000000, 0xffff800000001000) }},
	{fault{"vma-to-the-end", "a mapping up to the end of all addresses", "object 10, vmas", "M007"}, func(m tree) { m.mapped(0xfffffffffffff000-pageSize, 0xfffffffffffff000) }},
	{fault{"vma-kind-unknown", "a mapping of a kind that does not exist", "object 10, vmas", "M009"}, func(m tree) { m.mapped(treeHole, treeHole+pageSize).Kind = "shm" }},
	{fault{"vma-protection", "protection bits that do not exist", "object 10, vmas", "M010"}, func(m tree) { m.vma(treeAnon).Prot |= 0x10 }},
	{fault{"vma-write-execute", "memory that is writable and executable", "object 10, vmas", "M011"}, func(m tree) { m.vma(treeAnon).Prot = 7 }},
	{fault{"vma-five-levels", "a mapping above 47 bits", "object 10, vmas", "M012"}, func(m tree) { m.mapped(1<<50, 1<<50+pageSize) }},
	{fault{"vma-low", "a mapping at the lowest addresses", "object 10, vmas", "M013"}, func(m tree) { m.mapped(pageSize, 2*pageSize) }},
	{fault{"vma-file-without-path", "a mapping of a file without a path", "object 10, vmas", "M014"}, func(m tree) { m.mapped(treeHole, treeHole+pageSize).Kind = format.VMAFile }},
	{fault{"vma-anon-with-path", "private memory with a path", "object 10, vmas", "M015"}, func(m tree) { m.vma(treeAnon).File.Path = "/bin/sh" }},
	{fault{"vma-offset-unaligned", "a mapping of a file from offset 16", "object 10, vmas", "M017"}, func(m tree) { m.vma(treeData).Offset = 16 }},
	{fault{"vma-offset-overflow", "offset and length of a mapping wrap around", "object 10, vmas", "M018"}, func(m tree) { m.vma(treeData).Offset = 0xfffffffffffff000 }},
	{fault{"vma-beyond-object", "a mapping beyond the end of its shared memory", "object 10, vmas", "M019"}, func(m tree) { m.vma(treeMemfdMap).End += pageSize }},
	{fault{"vma-flags-contradict", "advice for huge pages and against them", "object 10, vmas", "M022"}, func(m tree) { m.vma(treeAnon).Flags = format.VMAHuge | format.VMANoHuge }},
	{fault{"vma-two-vdsos", "two vdsos", "object 10, vmas", "M026"}, func(m tree) {
		v := m.mapped(treeHole, treeHole+pageSize)
		v.Kind, v.Prot = format.VMAVDSO, 5
		m.memory().Auxv = nil
	}},
	{fault{"vma-vvar-torn", "a gap between vvar and vdso", "object 10, vmas", "M027"}, func(m tree) { m.vma(treeVVar).End -= pageSize }},
	{fault{"vdso-digest-short", "a digest of three bytes", "object 10, vdso", "M029"}, func(m tree) { m.memory().VDSO = []byte{1, 2, 3} }},
	{fault{"auxv-odd", "an auxiliary vector of three words", "object 10, auxv", "M030"}, func(m tree) { m.memory().Auxv = []uint64{6, 4096, 0} }},
	{fault{"auxv-endless", "an auxiliary vector without an end", "object 10, auxv", "M031"}, func(m tree) { m.memory().Auxv = []uint64{6, 4096} }},
	{fault{"auxv-vdso", "the auxiliary vector has the vdso elsewhere", "object 10, auxv", "M033"}, func(m tree) { m.memory().Auxv[1] += pageSize }},
	{fault{"code-reversed", "code that ends before it begins", "object 10, end_code", "M035"}, func(m tree) { m.memory().EndCode = treeText - 1 }},
	{fault{"brk-kernel", "a break in the kernel", "object 10, brk", "M036"}, func(m tree) { m.memory().Brk = 0xffffffff81000000 }},
	{fault{"brk-below-start", "a break below its start", "object 10, brk", "M039"}, func(m tree) { m.memory().Brk = 0x602000 }},
	{fault{"dumpable-3", "dumpable is 3", "object 10, dumpable", "M041"}, func(m tree) { m.memory().Dumpable = 3 }},
	{fault{"shared-kind-unknown", "shared memory of a kind that does not exist", "object 15, kind", "M055"}, func(m tree) { m.Objects.Shared[0].Kind = "dma" }},
	{fault{"shared-too-large", "shared memory of 2^63 bytes", "object 15, size", "M057"}, func(m tree) { m.Objects.Shared[0].Size = 1 << 63 }},
	{fault{"memfd-name-long", "a memfd whose name has 300 bytes", "object 16, name", "M058"}, func(m tree) { m.Objects.Shared[1].Name = strings.Repeat("x", 300) }},
	{fault{"memfd-seals", "a seal that does not exist", "object 16, seals", "M060"}, func(m tree) { m.Objects.Shared[1].Seals = 0x100 }},
}

// resourceFaults are files, pipes and references that lead nowhere.
var resourceFaults = []modelFault{
	{fault{"ref-descriptor-dangling", "a descriptor of a file that is not there", "object 20, entries", "R001"}, func(m tree) { m.describe(50, 99) }},
	{fault{"ref-memory-dangling", "a task whose memory is not there", "task 102, memory", "R001 R007"}, func(m tree) { m.task(102).Memory = 99 }},
	{fault{"ref-descriptor-mistyped", "a descriptor of something that is no file", "object 20, entries", "R002"}, func(m tree) { m.describe(50, treeBuffer) }},
	{fault{"ref-max", "a descriptor of object 2^32-1", "object 20, entries", "R001"}, func(m tree) { m.describe(50, 1<<32-1) }},
	{fault{"id-twice", "two objects with one number", "object 60", "R003"}, func(m tree) { m.Objects.FS = append(m.Objects.FS, m.Objects.FS[0]) }},
	{fault{"id-of-two-kinds", "two objects of different kinds with one number", "object 60", "R003"}, func(m tree) {
		m.Objects.Semaphores = []format.SysVSemaphores{{ID: 60, Values: []uint16{1}}}
	}},
	{fault{"id-zero", "an object with number 0", "object 0", "R004"}, func(m tree) { m.Objects.FS = append([]format.FS{{Cwd: "/", Root: "/"}}, m.Objects.FS...) }},
	{fault{"pipe-without-buffer", "an end of a pipe without a pipe", "object 43", "R006"}, func(m tree) {
		m.open(format.OpenFile{ID: 43, Kind: format.FilePipe, Pipe: &format.PipeEnd{}})
	}},
	{fault{"fd-negative", "descriptor -1", "object 20, entries", "R010"}, func(m tree) { m.describe(-1, treeRegular) }},
	{fault{"fd-twice", "a descriptor twice", "object 20, entries", "R011"}, func(m tree) { m.describe(12, treeRegular) }},
	{fault{"file-kind-unknown", "a file of a kind that does not exist", "object 43, kind", "R013"}, func(m tree) { m.open(format.OpenFile{ID: 43, Kind: "mailbox"}) }},
	{fault{"file-two-kinds", "a file of two kinds", "object 34", "R014"}, func(m tree) { m.file(treeEventfd).Signalfd = &format.Signalfd{} }},
	{fault{"file-no-kind", "a file that does not say what it is", "object 43", "R014"}, func(m tree) { m.open(format.OpenFile{ID: 43, Kind: format.FileEventfd}) }},
	{fault{"file-mode-3", "access mode 3", "object 30, flags", "R015"}, func(m tree) { m.file(treeRegular).Flags = 3 }},
	{fault{"file-position-negative", "a position of -1", "object 30, pos", "R017"}, func(m tree) { m.file(treeRegular).Pos = -1 }},
	{fault{"path-none", "a file without a path", "object 30", "R018"}, func(m tree) { m.file(treeRegular).Regular.File.Path = "" }},
	{fault{"path-relative", "a path that is not absolute", "object 30", "R019"}, func(m tree) { m.file(treeRegular).Regular.File.Path = "etc/passwd" }},
	{fault{"path-zero-byte", "a path with a zero byte", "object 30", "R020"}, func(m tree) { m.file(treeRegular).Regular.File.Path = "/etc/passwd\x00.txt" }},
	{fault{"path-climbing", "a path with ..", "object 30", "R021"}, func(m tree) { m.file(treeRegular).Regular.File.Path = "/tmp/../etc/passwd" }},
	{fault{"path-long", "a path of 5000 bytes", "object 30", "R022"}, func(m tree) { m.file(treeRegular).Regular.File.Path = strings.Repeat("/x", 2500) }},
	{fault{"device-major", "a device whose major number does not exist", "object 38", "R025"}, func(m tree) { m.file(treeDevice).Device.Major = 5000 }},
	{fault{"pipe-overfull", "more in a pipe than it holds", "object 50", "R030"}, func(m tree) {
		m.Objects.Pipes[0].Data, m.Objects.Pipes[0].Capacity = make([]byte, 5000), 4096
	}},
	{fault{"pipe-packets", "packets of a pipe with another sum than its contents", "object 50", "R031"}, func(m tree) { m.Objects.Pipes[0].Packets = []uint32{3} }},
	{fault{"memfd-of-anon", "a memfd whose memory is none", "object 33", "R040"}, func(m tree) { m.file(treeMemfd).Memfd.Shared = treeShared }},
	{fault{"deleted-endless", "a deleted file of 2^63 bytes", "object 55, size", "R041"}, func(m tree) { m.Objects.Deleted[0].Size = 1 << 63 }},
	{fault{"eventfd-count", "an eventfd with a count that it cannot have", "object 34", "R043"}, func(m tree) { m.file(treeEventfd).Eventfd.Count = format.Unlimited }},
	{fault{"signalfd-kill", "a signalfd for SIGKILL", "object 37", "R044"}, func(m tree) { m.file(treeSignalfd).Signalfd.Mask = 1 << 8 }},
	{fault{"timerfd-clock", "a timerfd on a clock that it cannot have", "object 36", "R045"}, func(m tree) { m.file(treeTimerfd).Timerfd.Clock = 2 }},
	{fault{"epoll-itself", "an epoll that watches itself", "object 43", "R051"}, func(m tree) { m.epoll(43, 43) }},
	{fault{"epoll-cycle", "two epolls that watch each other", "objects 43 and 44", "R051"}, func(m tree) { m.epoll(43, 44); m.epoll(44, 43) }},
	{fault{"epoll-deep", "epolls nested seven deep", "object 43", "R052"}, func(m tree) {
		for id := format.ObjectID(43); id < 49; id++ {
			m.epoll(id, id+1)
		}
		m.epoll(49)
	}},
	{fault{"epoll-regular", "an epoll that watches a regular file", "object 35", "R053"}, func(m tree) { m.epoll(43, treeRegular) }},
	{fault{"terminal-settings", "settings of a terminal of 36 bytes", "object 75", "R060"}, func(m tree) { m.Objects.Terminals[0].Settings = make([]byte, 36) }},
	{fault{"terminal-master-inherited", "the master of a terminal from outside", "object 40", "R063"}, func(m tree) { m.file(treeTTY).TTY.Master = true }},
	{fault{"socket-type", "a socket of type 9", "object 43", "R070"}, func(m tree) {
		m.socket(43, format.UnixSocket{})
		m.file(43).Unix.Type = 9
	}},
	{fault{"socket-peer-mistyped", "a socket whose peer is a pipe", "object 43", "R071"}, func(m tree) { m.socket(43, format.UnixSocket{Peer: treePipeRead}) }},
	{fault{"socket-own-queue", "a socket in flight in its own queue", "object 43", "R072"}, func(m tree) {
		m.socket(43, format.UnixSocket{Queue: []format.SocketMessage{{Data: []byte("x"), Files: []format.ObjectID{43}}}})
	}},
	{fault{"socket-one-way", "a socket whose peer has another peer", "object 43", "R073"}, func(m tree) {
		m.socket(43, format.UnixSocket{Peer: 44})
		m.socket(44, format.UnixSocket{})
	}},
	{fault{"namespace-own-parent", "a namespace that is its own parent", "object 80", "R083"}, func(m tree) {
		m.Objects.Namespaces = []format.Namespace{{ID: 80, Kind: format.NSUser, Parent: 80}}
		m.task(100).Namespaces = []format.ObjectID{80}
	}},
	{fault{"seccomp-cycle", "a seccomp filter on top of itself", "object 85", "R085"}, func(m tree) {
		m.Objects.Seccomp = []format.SeccompFilter{{ID: 85, Previous: 85, Program: make([]byte, 8)}}
		m.task(100).SeccompMode, m.task(100).Seccomp = 2, 85
	}},
}
