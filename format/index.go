package format

// An Index finds the objects and tasks of an image by their numbers. Where a
// number occurs more than once the first wins; validation reports the others.
type Index struct {
	Tasks      map[PID]*Task
	Processes  map[ObjectID]*Process
	Memories   map[ObjectID]*AddressSpace
	Shared     map[ObjectID]*SharedMemory
	FileTables map[ObjectID]*FileTable
	Files      map[ObjectID]*OpenFile
	Pipes      map[ObjectID]*PipeBuffer
	Deleted    map[ObjectID]*DeletedFile
	FS         map[ObjectID]*FS
	Handlers   map[ObjectID]*SignalHandlers
	Creds      map[ObjectID]*Credentials
	Terminals  map[ObjectID]*Terminal
	Namespaces map[ObjectID]*Namespace
}

// NewIndex indexes img. The pointers lead into img's own slices.
func NewIndex(img *Image) *Index {
	o := &img.Objects
	return &Index{
		Tasks:      indexBy(img.Tasks, func(t *Task) PID { return t.TID }),
		Processes:  indexBy(o.Processes, func(v *Process) ObjectID { return v.ID }),
		Memories:   indexBy(o.Memories, func(v *AddressSpace) ObjectID { return v.ID }),
		Shared:     indexBy(o.Shared, func(v *SharedMemory) ObjectID { return v.ID }),
		FileTables: indexBy(o.FileTables, func(v *FileTable) ObjectID { return v.ID }),
		Files:      indexBy(o.Files, func(v *OpenFile) ObjectID { return v.ID }),
		Pipes:      indexBy(o.Pipes, func(v *PipeBuffer) ObjectID { return v.ID }),
		Deleted:    indexBy(o.Deleted, func(v *DeletedFile) ObjectID { return v.ID }),
		FS:         indexBy(o.FS, func(v *FS) ObjectID { return v.ID }),
		Handlers:   indexBy(o.Handlers, func(v *SignalHandlers) ObjectID { return v.ID }),
		Creds:      indexBy(o.Creds, func(v *Credentials) ObjectID { return v.ID }),
		Terminals:  indexBy(o.Terminals, func(v *Terminal) ObjectID { return v.ID }),
		Namespaces: indexBy(o.Namespaces, func(v *Namespace) ObjectID { return v.ID }),
	}
}

func indexBy[K comparable, T any](list []T, key func(*T) K) map[K]*T {
	m := make(map[K]*T, len(list))
	for i := range list {
		v := &list[i]
		if _, ok := m[key(v)]; !ok {
			m[key(v)] = v
		}
	}
	return m
}
