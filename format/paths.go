package format

import (
	"cmp"
	"iter"
	"path"
	"slices"
	"strings"
)

// PathMap says that what lay at Old and below lies at New now. Both are
// absolute.
type PathMap struct {
	Old, New string
	// Below tells where a path lies whose part behind Old it is given; nil joins that
	// to New. So symbolic links can be looked at, which this package does not.
	Below func(rest string) string
}

// MapPaths rewrites in place the paths by which img names files: those of every
// [FileRef], working and root directories, and files without a name. Of the maps
// whose Old is the path or a directory above it the longest counts; of equal
// ones the first. A path that none fits stays as it is, and so do names that are
// no absolute paths, addresses of sockets, and mount tables.
//
// A path is cleaned before it is mapped, so that its ".." cannot lead out of New;
// symbolic links can, unless Below looks at them.
func MapPaths(img *Image, maps []PathMap) {
	m := newPathMapper(maps)
	if len(m) == 0 {
		return
	}
	o := &img.Objects
	for f := range o.FileRefs() {
		m.path(&f.Path)
	}
	for i := range o.Files {
		if u := o.Files[i].Unix; u != nil {
			m.path(&u.Dir)
			m.path(&u.Root)
			m.path(&u.Path)
		}
	}
	for i := range o.FS {
		m.path(&o.FS[i].Cwd)
		m.path(&o.FS[i].Root)
	}
	for i := range o.Deleted {
		m.path(&o.Deleted[i].Path)
		m.path(&o.Deleted[i].Link)
	}
}

// pathMapper is maps with clean paths, the longest first.
type pathMapper []PathMap

func newPathMapper(maps []PathMap) pathMapper {
	m := make(pathMapper, len(maps))
	for i, p := range maps {
		m[i] = PathMap{path.Clean(p.Old), path.Clean(p.New), p.Below}
	}
	slices.SortStableFunc(m, func(a, b PathMap) int { return cmp.Compare(len(b.Old), len(a.Old)) })
	return m
}

// path maps one path.
func (m pathMapper) path(p *string) {
	if !path.IsAbs(*p) {
		return
	}
	clean := path.Clean(*p)
	for _, to := range m {
		rest, below := strings.CutPrefix(clean, to.Old)
		if below && (rest == "" || rest[0] == '/' || to.Old == "/") {
			if to.Below != nil {
				*p = to.Below(rest)
			} else {
				*p = path.Join(to.New, rest)
			}
			return
		}
	}
}

// FileRefs yields every [FileRef] of the objects, also those of no file.
func (o *Objects) FileRefs() iter.Seq[*FileRef] {
	return func(yield func(*FileRef) bool) {
		for i := range o.Memories {
			if !o.Memories[i].eachFileRef(yield) {
				return
			}
		}
		for i := range o.Files {
			if !o.Files[i].eachFileRef(yield) {
				return
			}
		}
		for i := range o.Pipes {
			if !yield(&o.Pipes[i].Fifo) {
				return
			}
		}
	}
}

// Digested are the files whose digests the objects have, each path and digest once,
// in their order.
func (o *Objects) Digested() []*FileRef {
	var list []*FileRef
	seen := make(map[string]bool)
	for f := range o.FileRefs() {
		if key := f.Path + "\x00" + string(f.SHA256); len(f.SHA256) > 0 && !seen[key] {
			seen[key] = true
			list = append(list, f)
		}
	}
	return list
}

// eachFileRef yields those of an address space, and says whether to go on.
func (m *AddressSpace) eachFileRef(yield func(*FileRef) bool) bool {
	if !yield(&m.Exe) {
		return false
	}
	for i := range m.VMAs {
		if !yield(&m.VMAs[i].File) {
			return false
		}
	}
	return true
}

// eachFileRef yields those of an open file, and says whether to go on.
func (f *OpenFile) eachFileRef(yield func(*FileRef) bool) bool {
	switch {
	case f.Regular != nil:
		return yield(&f.Regular.File)
	case f.Directory != nil:
		return yield(&f.Directory.File)
	case f.Device != nil:
		return yield(&f.Device.File)
	case f.TTY != nil:
		return yield(&f.TTY.File)
	case f.Inotify != nil:
		for i := range f.Inotify.Watches {
			if !yield(&f.Inotify.Watches[i].File) {
				return false
			}
		}
	case f.Fanotify != nil:
		for i := range f.Fanotify.Marks {
			if !yield(&f.Fanotify.Marks[i].File) {
				return false
			}
		}
	}
	return true
}
