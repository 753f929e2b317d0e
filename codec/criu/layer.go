package criu

import (
	"fmt"
	iofs "io/fs"
	"slices"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// A layer is an image or one of its parents, as far as pages go.
type layer struct {
	*budget
	dir   iofs.FS
	store *store
	depth int
	// bare says that there are no pages files, and no parents.
	bare bool
	// find gives a pagemap by name; nil if there is none.
	find func(name string) (*file, error)
	// size gives the size of a pages file.
	size   func(name string) (int64, error)
	parent *layer
	done   map[string][]extent
	taken  map[uint32]string
}

// extentsOf gives the pages of a pagemap, looking into the parents for those
// that are there.
func (l *layer) extentsOf(f *file) ([]extent, error) {
	if list, ok := l.done[f.name]; ok {
		return list, nil
	}
	if err := l.checkPages(f); err != nil {
		return nil, err
	}
	m := f.pages
	m.src.inherited = l.depth > 0
	l.store.add(m.src)
	list := m.extents
	if m.inherited > 0 {
		var err error
		if list, err = l.resolve(f); err != nil {
			return nil, err
		}
	}
	m.extents = nil // the list may be changed
	l.done[f.name] = list
	return list, nil
}

// resolve gives the pages of a pagemap with those that are the parents'.
func (l *layer) resolve(f *file) ([]extent, error) {
	m := f.pages
	list := make([]extent, 0, len(m.extents)+1)
	for _, e := range m.extents {
		switch {
		case e.src != nil:
			list = append(list, e)
		case l.bare:
			e.src = m.src
			list = append(list, e)
		default:
			part, err := l.inherited(f, &e)
			if err != nil {
				return nil, err
			}
			if err := l.charge(int64(len(part)) * extentSize); err != nil {
				return nil, err
			}
			list = append(list, part...)
		}
	}
	l.store.layered = true
	return list, nil
}

// checkPages compares a pagemap with the size of its pages file.
func (l *layer) checkPages(f *file) error {
	name := kindNamed(kPages).name(uint64(f.pages.id))
	want := int64(f.pages.pages) * format.PageSize
	if l.bare || want == 0 && l.taken[f.pages.id] != "" {
		return nil
	}
	if other, ok := l.taken[f.pages.id]; ok {
		return codec.InFile(codec.Errorf(codec.Duplicate, "record 0", f.body, "%s has the pages of %s", name, other), f.name)
	}
	l.taken[f.pages.id] = f.name
	size, err := l.size(name)
	switch {
	case want == 0 && err != nil:
		return nil //nolint:nilerr // there are no pages
	case err != nil:
		return codec.InFile(codec.Errorf(codec.Missing, "record 0", f.body, "its pages are in %s, which is not there", name), f.name)
	case size < want:
		return codec.InFile(codec.Errorf(codec.Truncated, "pages", size, "%s tells of %d pages, there are %d", f.name, want/format.PageSize, size/format.PageSize), name)
	case size > want:
		return codec.InFile(codec.Errorf(codec.Trailing, "pages", want, "%s tells of %d pages, %d bytes follow them", f.name, want/format.PageSize, size-want), name)
	}
	return nil
}

// inherited gives the pages of an entry as the parent has them.
func (l *layer) inherited(f *file, e *extent) ([]extent, error) {
	fault := func(kind codec.Kind, msg string, args ...any) error {
		return codec.InFile(codec.Errorf(kind, "pages at "+e.first.Addr().String(), 0, msg, args...), f.name)
	}
	if err := l.openParent(); err != nil {
		return nil, fault(codec.Missing, "they are in the parent image, which cannot be opened: %w", err)
	}
	pf, err := l.parent.find(f.name)
	if err != nil {
		return nil, err
	}
	if pf == nil {
		return nil, fault(codec.Missing, "they are in the parent image, which has no such file")
	}
	list, err := l.parent.extentsOf(pf)
	if err != nil {
		return nil, err
	}
	var out []extent
	i, _ := slices.BinarySearchFunc(list, e.first, endsBefore)
	end := e.end()
	for at := e.first; at < end; i++ {
		if i == len(list) || list[i].first > at {
			return nil, fault(codec.Missing, "the parent image has no page at %s", at.Addr())
		}
		x := list[i]
		n := min(end, x.end()) - at
		out = append(out, extent{at, uint64(n), x.src, x.off + int64(at-x.first)*format.PageSize})
		at += n
	}
	return out, nil
}

// parentName is the link from an image to the one it adds to.
const parentName = "parent"

func (l *layer) openParent() error {
	if l.parent != nil {
		return nil
	}
	if l.depth == l.lim.Depth {
		return fmt.Errorf("more than %d images refer to each other", l.lim.Depth)
	}
	if _, err := iofs.Stat(l.dir, parentName); err != nil {
		return err
	}
	dir, err := iofs.Sub(l.dir, parentName)
	if err != nil {
		return err
	}
	im := &image{dir: dir, budget: *l.budget}
	p := &layer{budget: l.budget, dir: dir, store: l.store, depth: l.depth + 1, done: map[string][]extent{}, taken: map[uint32]string{}}
	p.size = func(name string) (int64, error) { return fileSize(dir, name) }
	p.find = im.lookup
	l.parent = p
	return nil
}

func fileSize(dir iofs.FS, name string) (int64, error) {
	st, err := iofs.Stat(dir, name)
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// lookup reads one file of a directory that is not read as a whole; nil if it is
// not there.
func (im *image) lookup(name string) (*file, error) {
	k, n := parseName(name)
	if k == nil {
		return nil, nil
	}
	if _, err := iofs.Stat(im.dir, name); err != nil {
		return nil, nil //nolint:nilerr // not there
	}
	f := &file{kind: k, id: n, name: name}
	return f, codec.InFile(im.read(f), parentName+"/"+name)
}

// pageOf is the page that an address is in.
func pageOf(a format.Addr) format.PageNum { return format.PageNum(a / format.PageSize) }
