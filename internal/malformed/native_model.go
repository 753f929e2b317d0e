package malformed

import (
	"bytes"
	"context"
	"slices"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/native"
	"github.com/thaw-cr/thaw/format"
)

// Objects of the native base, and addresses in its first memory.
const (
	treeMemory, treeSmallMemory       = 10, 11
	treeShared, treeMemfdMemory       = 15, 16
	treeRegular, treePipeRead         = 30, 31
	treePipeWrite, treeMemfd          = 32, 33
	treeEventfd, treeEpoll            = 34, 35
	treeTimerfd, treeSignalfd         = 36, 37
	treeDevice, treeDirectory         = 38, 39
	treeTTY                           = 40
	treeBuffer                        = 50
	treeText, treeData, treeHeap      = 0x400000, 0x402000, 0x603000
	treeAnon, treeVVar, treeVDSO      = 0x7f0000020000, 0x7ffff7ff8000, 0x7ffff7ffc000
	treeStack, treeMemfdMap, treeHole = 0x7ffffffde000, 0x7f0000010000, 0x500000000
)

// tree is the model of the native base.
type tree struct {
	*format.Image
}

// modelFault is a fault of the model, in a file that is right as such.
type modelFault struct {
	fault
	change func(m tree)
}

func makeModels(w *workshop) {
	b := w.base(nativeBase)
	if b == nil {
		return
	}
	for _, table := range [][]modelFault{hierarchyFaults, memoryFaults, stateFaults, resourceFaults, fieldFaults} {
		for _, f := range table {
			data, err := changedTree(b, f.change)
			if err != nil {
				w.errs = append(w.errs, err)
				return
			}
			w.addFile(formatNative, f.fault, nativeBase, ".thaw", data)
		}
	}
	for _, f := range nativePlaces {
		w.addNative(f, nativeBase)
	}
}

// changedTree writes the base with a changed model.
func changedTree(base []byte, change func(m tree)) ([]byte, error) {
	ctx := context.Background()
	f, err := native.Format().Open(ctx, codec.Source{At: bytes.NewReader(base), Size: int64(len(base))}, codec.Limits{})
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it is in memory
	change(tree{f.Image})
	var b bytes.Buffer
	err = native.Format().Encode(ctx, &b, f.Image, codec.EncodeOptions{})
	return b.Bytes(), err
}

func (m tree) task(tid format.PID) *format.Task {
	return &m.Tasks[slices.IndexFunc(m.Tasks, func(t format.Task) bool { return t.TID == tid })]
}

func (m tree) regs() *format.RegistersAMD64 { return m.task(100).Registers.AMD64 }

func (m tree) memory() *format.AddressSpace { return &m.Objects.Memories[0] }

func (m tree) process() *format.Process { return &m.Objects.Processes[0] }

func (m tree) descriptors() *format.FileTable { return &m.Objects.FileTables[0] }

func (m tree) file(id format.ObjectID) *format.OpenFile {
	return &m.Objects.Files[slices.IndexFunc(m.Objects.Files, func(f format.OpenFile) bool { return f.ID == id })]
}

func (m tree) vma(start format.Addr) *format.VMA {
	list := m.memory().VMAs
	return &list[slices.IndexFunc(list, func(v format.VMA) bool { return v.Start == start })]
}

// mapped adds private memory at a place in the middle of the first memory.
func (m tree) mapped(start, end format.Addr) *format.VMA {
	mm := m.memory()
	at := slices.IndexFunc(mm.VMAs, func(v format.VMA) bool { return v.Start >= start })
	if at < 0 {
		at = len(mm.VMAs)
	}
	mm.VMAs = slices.Insert(mm.VMAs, at, format.VMA{Start: start, End: end, Prot: 3, Kind: format.VMAAnon})
	return &mm.VMAs[at]
}

// open adds a file and a descriptor for it.
func (m tree) open(f format.OpenFile) {
	m.Objects.Files = append(m.Objects.Files, f)
	m.describe(format.FD(len(m.descriptors().Entries)), f.ID)
}

func (m tree) describe(fd format.FD, file format.ObjectID) {
	t := m.descriptors()
	t.Entries = append(t.Entries, format.FileEntry{FD: fd, File: file})
}

func (m tree) epoll(id format.ObjectID, watched ...format.ObjectID) {
	e := &format.Epoll{}
	for i, w := range watched {
		e.Watches = append(e.Watches, format.EpollWatch{FD: format.FD(100 + i), File: w, Events: 1})
	}
	m.open(format.OpenFile{ID: id, Kind: format.FileEpoll, Flags: format.ORdWr, Epoll: e})
}

func (m tree) socket(id format.ObjectID, u format.UnixSocket) {
	u.Type = 1
	m.open(format.OpenFile{ID: id, Kind: format.FileUnix, Flags: format.ORdWr, Unix: &u})
}

// nativePlaces are runs of pages in places where there can be none. The slots
// are those of the base, so that the index as such is right.
var nativePlaces = []nativeFault{
	{fault{"pages-in-a-hole", "pages where nothing is mapped", "record 0x0052, object 10", "M052"}, places(0x10, 1, 1, treeAnon/pageSize, 1, 2, 0x7fffffffe, 1, 3)},
	{fault{"pages-over-the-end", "pages that begin in a mapping and end outside", "record 0x0052, object 10", "M052"}, places(0x402, 2, 1, 0x7fffffffe, 1, 3)},
	{fault{"pages-in-the-vdso", "pages in the vdso, which is the kernel's", "record 0x0052, object 10", "M053"}, places(0x402, 1, 1, treeAnon/pageSize, 1, 2, treeVDSO/pageSize, 1, 3)},
	{fault{"pages-in-shared-memory", "pages of a process where it maps shared memory", "record 0x0052, object 10", "M053"}, places(0x402, 1, 1, 0x7f0000000, 1, 2, 0x7fffffffe, 1, 3)},
	{fault{"pages-of-the-kernel", "pages at a kernel address", "record 0x0052, object 10", "M052"}, places(0x402, 1, 1, treeAnon/pageSize, 1, 2, 0xffff800000000, 1, 3)},
	{fault{"pages-zero-4pi", "zero pages over the whole address space", "record 0x0052, object 10", "M052"}, places(0, 1<<52-1, 0, 1<<52-1, 3, 1)},
}

// places replaces the runs of object 10, which take the first three slots.
func places(numbers ...uint64) func(*nativeImage) {
	list := arrayOf{}
	for _, n := range numbers {
		list = append(list, n)
	}
	return payload(nativeRuns, pack(arrayOf{
		mapOf{"object", treeMemory, "runs", list},
		mapOf{"object", treeShared, "runs", arrayOf{0, 2, 4}},
		mapOf{"object", treeMemfdMemory, "runs", arrayOf{0, 1, 6}},
		mapOf{"object", 55, "runs", arrayOf{0, 1, 7}},
	}))
}
