package linuxcr

import (
	"maps"
	"slices"
	"sort"

	"github.com/thaw-cr/thaw/format"
)

// A finder finds objects of a list by their ids. The lists of an image are in
// order, so that no map is needed, which takes longer to make than an image of
// many tasks takes to search; a list that is not has one.
type finder[T any] struct {
	list []T
	id   func(*T) format.ObjectID
	odd  map[format.ObjectID]int
	// last is where the last one was found: most often the next is wanted then.
	last int
}

func newFinder[T any](list []T, id func(*T) format.ObjectID) finder[T] {
	f := finder[T]{list: list, id: id}
	for i := 1; i < len(list); i++ {
		if id(&list[i-1]) > id(&list[i]) {
			f.odd = make(map[format.ObjectID]int, len(list))
			break
		}
	}
	if f.odd == nil {
		return f
	}
	for i := range list {
		if _, known := f.odd[id(&list[i])]; !known {
			f.odd[id(&list[i])] = i
		}
	}
	return f
}

// get finds an object, the first of those with an id; nil if there is none.
func (f *finder[T]) get(id format.ObjectID) *T {
	if f.odd != nil {
		if i, ok := f.odd[id]; ok {
			return &f.list[i]
		}
		return nil
	}
	if f.last < len(f.list) && f.id(&f.list[f.last]) != id {
		f.last++
		if f.last >= len(f.list) || f.id(&f.list[f.last]) != id {
			f.last = sort.Search(len(f.list), func(i int) bool { return f.id(&f.list[i]) >= id })
		}
	}
	if f.last < len(f.list) && f.id(&f.list[f.last]) == id {
		return &f.list[f.last]
	}
	f.last = 0
	return nil
}

// each calls do with every id.
func (f *finder[T]) each(do func(uint32)) {
	for i := range f.list {
		do(uint32(f.id(&f.list[i])))
	}
}

// index finds the objects that records are made of.
type index struct {
	processes  finder[format.Process]
	memories   finder[format.AddressSpace]
	shared     finder[format.SharedMemory]
	fileTables finder[format.FileTable]
	files      finder[format.OpenFile]
	pipes      finder[format.PipeBuffer]
	fs         finder[format.FS]
	handlers   finder[format.SignalHandlers]
	creds      finder[format.Credentials]
	namespaces finder[format.Namespace]
}

func newIndex(o *format.Objects) index {
	return index{
		processes:  newFinder(o.Processes, func(v *format.Process) format.ObjectID { return v.ID }),
		memories:   newFinder(o.Memories, func(v *format.AddressSpace) format.ObjectID { return v.ID }),
		shared:     newFinder(o.Shared, func(v *format.SharedMemory) format.ObjectID { return v.ID }),
		fileTables: newFinder(o.FileTables, func(v *format.FileTable) format.ObjectID { return v.ID }),
		files:      newFinder(o.Files, func(v *format.OpenFile) format.ObjectID { return v.ID }),
		pipes:      newFinder(o.Pipes, func(v *format.PipeBuffer) format.ObjectID { return v.ID }),
		fs:         newFinder(o.FS, func(v *format.FS) format.ObjectID { return v.ID }),
		handlers:   newFinder(o.Handlers, func(v *format.SignalHandlers) format.ObjectID { return v.ID }),
		creds:      newFinder(o.Creds, func(v *format.Credentials) format.ObjectID { return v.ID }),
		namespaces: newFinder(o.Namespaces, func(v *format.Namespace) format.ObjectID { return v.ID }),
	}
}

// each calls do with the ids of all objects.
func (x *index) each(do func(uint32)) {
	x.processes.each(do)
	x.memories.each(do)
	x.shared.each(do)
	x.fileTables.each(do)
	x.files.each(do)
	x.pipes.each(do)
	x.fs.each(do)
	x.handlers.each(do)
	x.creds.each(do)
	x.namespaces.each(do)
}

// refSet is a set of objects' numbers in an image: bits for those that numbers
// given one after the other come to, and a map for others.
type refSet struct {
	dense  []uint64
	sparse map[int32]bool
}

// denseRefs is the first number that has no bit: all bits take half a MiB.
const denseRefs = 1 << 22

func (s *refSet) has(ref int32) bool {
	if ref < 0 || ref >= denseRefs {
		return s.sparse[ref]
	}
	word := int(ref / 64)
	return word < len(s.dense) && s.dense[word]>>(ref%64)&1 != 0
}

func (s *refSet) add(ref int32) {
	if ref < 0 || ref >= denseRefs {
		if s.sparse == nil {
			s.sparse = map[int32]bool{}
		}
		s.sparse[ref] = true
		return
	}
	if n := int(ref/64) + 1 - len(s.dense); n > 0 {
		s.dense = append(s.dense, make([]uint64, n)...)
	}
	s.dense[ref/64] |= 1 << (ref % 64)
}

// clone is a set of its own with the same numbers.
func (s *refSet) clone() refSet {
	return refSet{dense: slices.Clone(s.dense), sparse: maps.Clone(s.sparse)}
}

// equal says whether two sets have the same numbers.
func (s *refSet) equal(t *refSet) bool {
	long, short := s.dense, t.dense
	if len(long) < len(short) {
		long, short = short, long
	}
	return slices.Equal(long[:len(short)], short) && maps.Equal(s.sparse, t.sparse) &&
		!slices.ContainsFunc(long[len(short):], func(w uint64) bool { return w != 0 })
}
