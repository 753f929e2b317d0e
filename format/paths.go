package format

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// PathMap says that what lay at Old and below lies at New now. Both are
// absolute.
type PathMap struct {
	Old, New string
}

// MapPaths rewrites in place the paths by which img names files: those of every
// [FileRef], working and root directories, and files without a name. Of the maps
// whose Old is the path or a directory above it the longest counts; of equal
// ones the first. A path that none fits stays as it is, and so do names that are
// no absolute paths, addresses of sockets, and mount tables.
//
// A path is cleaned before it is mapped, so that its ".." cannot lead out of New;
// symbolic links can.
func MapPaths(img *Image, maps []PathMap) {
	m := newPathMapper(maps)
	if len(m) == 0 {
		return
	}
	o := &img.Objects
	for i := range o.Memories {
		mm := &o.Memories[i]
		m.file(&mm.Exe)
		for j := range mm.VMAs {
			m.file(&mm.VMAs[j].File)
		}
	}
	for i := range o.Files {
		m.open(&o.Files[i])
	}
	for i := range o.Pipes {
		m.file(&o.Pipes[i].Fifo)
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
		m[i] = PathMap{path.Clean(p.Old), path.Clean(p.New)}
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
			*p = path.Join(to.New, rest)
			return
		}
	}
}

func (m pathMapper) file(f *FileRef) { m.path(&f.Path) }

// open maps the paths of an open file.
func (m pathMapper) open(f *OpenFile) {
	switch {
	case f.Regular != nil:
		m.file(&f.Regular.File)
	case f.Directory != nil:
		m.file(&f.Directory.File)
	case f.Device != nil:
		m.file(&f.Device.File)
	case f.TTY != nil:
		m.file(&f.TTY.File)
	case f.Unix != nil:
		m.path(&f.Unix.Dir)
		m.path(&f.Unix.Root)
		m.path(&f.Unix.Path)
	case f.Inotify != nil:
		for i := range f.Inotify.Watches {
			m.file(&f.Inotify.Watches[i].File)
		}
	case f.Fanotify != nil:
		for i := range f.Fanotify.Marks {
			m.file(&f.Fanotify.Marks[i].File)
		}
	}
}
