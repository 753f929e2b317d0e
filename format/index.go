package format

import "github.com/thaw-cr/thaw/internal/table"

// An Index finds the objects and tasks of an image by their numbers; what is not
// there is nil. Where a number occurs more than once the first wins; validation
// reports the others. It is safe for concurrent use.
type Index struct {
	tasks      *table.Table[PID, *Task]
	processes  objectIndex[Process]
	memories   objectIndex[AddressSpace]
	shared     objectIndex[SharedMemory]
	fileTables objectIndex[FileTable]
	files      objectIndex[OpenFile]
	pipes      objectIndex[PipeBuffer]
	deleted    objectIndex[DeletedFile]
	fs         objectIndex[FS]
	handlers   objectIndex[SignalHandlers]
	creds      objectIndex[Credentials]
	terminals  objectIndex[Terminal]
	namespaces objectIndex[Namespace]
}

// objectIndex finds the objects of one kind.
type objectIndex[T any] = *table.Table[ObjectID, *T]

// NewIndex indexes img. The pointers lead into img's own slices.
func NewIndex(img *Image) *Index {
	o := &img.Objects
	return &Index{
		tasks:      indexBy(img.Tasks, func(t *Task) PID { return t.TID }),
		processes:  indexBy(o.Processes, func(v *Process) ObjectID { return v.ID }),
		memories:   indexBy(o.Memories, func(v *AddressSpace) ObjectID { return v.ID }),
		shared:     indexBy(o.Shared, func(v *SharedMemory) ObjectID { return v.ID }),
		fileTables: indexBy(o.FileTables, func(v *FileTable) ObjectID { return v.ID }),
		files:      indexBy(o.Files, func(v *OpenFile) ObjectID { return v.ID }),
		pipes:      indexBy(o.Pipes, func(v *PipeBuffer) ObjectID { return v.ID }),
		deleted:    indexBy(o.Deleted, func(v *DeletedFile) ObjectID { return v.ID }),
		fs:         indexBy(o.FS, func(v *FS) ObjectID { return v.ID }),
		handlers:   indexBy(o.Handlers, func(v *SignalHandlers) ObjectID { return v.ID }),
		creds:      indexBy(o.Creds, func(v *Credentials) ObjectID { return v.ID }),
		terminals:  indexBy(o.Terminals, func(v *Terminal) ObjectID { return v.ID }),
		namespaces: indexBy(o.Namespaces, func(v *Namespace) ObjectID { return v.ID }),
	}
}

func indexBy[K table.Number, T any](list []T, key func(*T) K) *table.Table[K, *T] {
	var last K
	for i := range list {
		last = max(last, key(&list[i]))
	}
	t := table.New[K, *T](len(list), last)
	for i := range list {
		v := &list[i]
		if k := key(v); !t.Has(k) {
			t.Set(k, v)
		}
	}
	return t
}

// Task is the task of that TID.
func (x *Index) Task(tid PID) *Task { return x.tasks.Get(tid) }

// Process is what threads of a group share.
func (x *Index) Process(id ObjectID) *Process { return x.processes.Get(id) }

// Memory is an address space.
func (x *Index) Memory(id ObjectID) *AddressSpace { return x.memories.Get(id) }

// Shared is memory that several address spaces map.
func (x *Index) Shared(id ObjectID) *SharedMemory { return x.shared.Get(id) }

// FileTable is a table of file descriptors.
func (x *Index) FileTable(id ObjectID) *FileTable { return x.fileTables.Get(id) }

// File is an open file.
func (x *Index) File(id ObjectID) *OpenFile { return x.files.Get(id) }

// Pipe is a pipe.
func (x *Index) Pipe(id ObjectID) *PipeBuffer { return x.pipes.Get(id) }

// Deleted is a file without a name.
func (x *Index) Deleted(id ObjectID) *DeletedFile { return x.deleted.Get(id) }

// FS is a working directory, root and umask.
func (x *Index) FS(id ObjectID) *FS { return x.fs.Get(id) }

// Handlers is a table of signal handlers.
func (x *Index) Handlers(id ObjectID) *SignalHandlers { return x.handlers.Get(id) }

// Creds are credentials.
func (x *Index) Creds(id ObjectID) *Credentials { return x.creds.Get(id) }

// Terminal is a terminal.
func (x *Index) Terminal(id ObjectID) *Terminal { return x.terminals.Get(id) }

// Namespace is a namespace.
func (x *Index) Namespace(id ObjectID) *Namespace { return x.namespaces.Get(id) }
