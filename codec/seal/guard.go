package seal

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/thaw-cr/thaw/codec"
)

// guarded reads a member that was checked, and compares all that it reads with
// that. It is safe for use by several goroutines.
type guarded struct {
	read func(p []byte, off int64) (int, error)
	size int64
	tags *tagger
	// sums are the tags of its pieces, number the member's own.
	sums   []tag
	number uint32
	// what names it in errors; empty for an image of one file.
	what  string
	cache *pieces
}

// pieces are those that were read last in part, of all members together.
type pieces struct {
	mu   sync.Mutex
	kept [16]keptPiece
	next int
}

type keptPiece struct {
	number uint32
	i      int
	data   []byte // nil for none
}

func (c *pieces) find(number uint32, i int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.kept {
		if k.number == number && k.i == i && k.data != nil {
			return k.data
		}
	}
	return nil
}

func (c *pieces) keep(number uint32, i int, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[c.next] = keptPiece{number, i, data}
	c.next = (c.next + 1) % len(c.kept)
}

// ReadAt reads what was checked, or fails.
func (g *guarded) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("read before the beginning")
	}
	done := 0
	for done < len(p) && off < g.size {
		i := int(off / pieceSize)
		begin := int64(i) * pieceSize
		length := int(min(pieceSize, g.size-begin))
		n := min(len(p)-done, length-int(off-begin))
		var err error
		if n == length {
			err = g.piece(i, p[done:done+n])
		} else {
			err = g.part(i, length, p[done:done+n], int(off-begin))
		}
		if err != nil {
			return done, err
		}
		done += n
		off += int64(n)
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// piece reads a whole piece into p.
func (g *guarded) piece(i int, p []byte) error {
	off := int64(i) * pieceSize
	n, err := g.read(p, off)
	switch {
	case n == len(p):
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return g.changed(off)
	default:
		return err
	}
	if g.tags.tag(g.number, i, p) != g.sums[i] {
		clear(p)
		return g.changed(off)
	}
	return nil
}

// part copies from piece i of so many bytes what stands at from.
func (g *guarded) part(i, length int, p []byte, from int) error {
	b := g.cache.find(g.number, i)
	if b == nil {
		b = make([]byte, length)
		if err := g.piece(i, b); err != nil {
			return err
		}
		g.cache.keep(g.number, i, b)
	}
	copy(p, b[from:])
	return nil
}

func (g *guarded) changed(off int64) error {
	return codec.Errorf(codec.ChangedMeanwhile, g.what, off, "what stands here now is not what was checked against the seal")
}

// guardFS is a directory all of whose files were checked: a codec.Source.Dir that
// holds what was sealed and nothing else.
type guardFS struct {
	*guards
	// at is the directory's name in the image; empty for the image itself.
	at string
}

// guards are the files and directories of an image.
type guards struct {
	tree  *tree
	files map[string]*guarded
	// lists are the entries of each directory, by name.
	lists map[string][]fs.DirEntry
}

var (
	_ fs.SubFS           = (*guardFS)(nil)
	_ fs.StatFS          = (*guardFS)(nil)
	_ fs.ReadDirFS       = (*guardFS)(nil)
	_ codec.Faulter      = (*guardFS)(nil)
	_ codec.DirectReader = (*guardFS)(nil)
)

func newGuardFS(t *tree, names []string, sums []summed, tags *tagger) *guardFS {
	g := &guards{tree: t, files: make(map[string]*guarded, len(names)), lists: map[string][]fs.DirEntry{}}
	for name := range t.dirs {
		g.lists[name] = nil
	}
	cache := &pieces{}
	for i, name := range names {
		f := &guarded{
			read: t.places[name].readAt, size: sums[i].size, tags: tags, sums: sums[i].tags, number: uint32(i), what: record(name), cache: cache,
		}
		g.files[name] = f
		g.list(name, fs.FileInfoToDirEntry(g.fileInfo(name, f)))
	}
	for name := range t.dirs {
		if name != "." && !t.linked[name] {
			g.list(name, fs.FileInfoToDirEntry(dirInfo(name)))
		}
	}
	for _, list := range g.lists {
		slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return &guardFS{guards: g}
}

func (g *guards) list(name string, e fs.DirEntry) {
	dir := path.Dir(name)
	g.lists[dir] = append(g.lists[dir], e)
}

func dirInfo(name string) guardInfo {
	return guardInfo{name: path.Base(name), mode: fs.ModeDir | 0o500}
}

// full is a name from the image's own directory.
func (g *guardFS) full(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return path.Join(g.at, name), nil
}

// Open opens a file or directory.
func (g *guardFS) Open(name string) (fs.File, error) {
	full, err := g.full("open", name)
	if err != nil {
		return nil, err
	}
	if f, ok := g.files[full]; ok {
		return &guardFile{SectionReader: io.NewSectionReader(f, 0, f.size), info: g.fileInfo(full, f)}, nil
	}
	if list, ok := g.lists[full]; ok {
		return codec.OpenedDir(dirInfo(full), list), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (g *guards) fileInfo(full string, f *guarded) guardInfo {
	return guardInfo{name: path.Base(full), size: f.size, mode: g.tree.places[full].mode}
}

// Stat describes a file or directory.
func (g *guardFS) Stat(name string) (fs.FileInfo, error) {
	f, err := g.Open(name)
	if err != nil {
		return nil, err
	}
	return f.Stat()
}

// ReadDir lists a directory, sorted by name.
func (g *guardFS) ReadDir(name string) ([]fs.DirEntry, error) {
	full, err := g.full("readdir", name)
	if err != nil {
		return nil, err
	}
	list, ok := g.lists[full]
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(list), nil
}

// Sub gives a directory in this one, or what an image continues.
func (g *guardFS) Sub(name string) (fs.FS, error) {
	full, err := g.full("sub", name)
	if err != nil {
		return nil, err
	}
	if _, ok := g.lists[full]; !ok {
		return nil, &fs.PathError{Op: "sub", Path: name, Err: fs.ErrNotExist}
	}
	return &guardFS{guards: g.guards, at: full}, nil
}

// Faults are those of the directory that was checked.
func (g *guardFS) Faults() []*codec.FormatError { return g.tree.faults(path.Clean(g.at)) }

// ReadWhole reads a file.
func (g *guardFS) ReadWhole(name string, allow func(size int64) error) ([]byte, error) {
	f, err := g.file(name)
	if err != nil {
		return nil, err
	}
	if err := allow(f.size); err != nil {
		return nil, err
	}
	b := make([]byte, f.size) // so many bytes were there and were hashed
	n, err := f.ReadAt(b, 0)
	return b[:n], err
}

// ReadPart reads a part of a file.
func (g *guardFS) ReadPart(name string, p []byte, off int64) (int, error) {
	f, err := g.file(name)
	if err != nil {
		return 0, err
	}
	return f.ReadAt(p, off)
}

func (g *guardFS) file(name string) (*guarded, error) {
	full, err := g.full("open", name)
	if err != nil {
		return nil, err
	}
	f, ok := g.files[full]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return f, nil
}

// guardInfo describes a file or directory. Times are not sealed, and not told.
type guardInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i guardInfo) Name() string       { return i.name }
func (i guardInfo) Size() int64        { return i.size }
func (i guardInfo) Mode() fs.FileMode  { return i.mode }
func (i guardInfo) ModTime() time.Time { return time.Time{} }
func (i guardInfo) IsDir() bool        { return i.mode.IsDir() }
func (i guardInfo) Sys() any           { return nil }

// guardFile is an open file.
type guardFile struct {
	*io.SectionReader
	info guardInfo
}

func (f *guardFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *guardFile) Close() error               { return nil }
