package restore

import (
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/internal/sys"
)

// A passingName is one that a husk makes and removes again at once.
type passingName struct {
	path      string
	directory bool
	since     time.Time
}

// emitDeleted makes a file or directory without a name, in the directory where
// the image's had one, a file with its contents. at is where it may be mapped
// meanwhile; the next free address is returned.
func (b *builder) emitDeleted(p *husk.Program, f *format.DeletedFile, at uint64) uint64 {
	if f.Link != "" {
		b.create(p, f.ID, "open", f.Link, abi.SysOpenat, atFDCWD, b.t.String(f.Link), uint64(format.ORdOnly), 0)
		return at
	}
	n := uint64(b.files.number[f.ID])
	directory := f.Mode&modeType == modeDirectory
	if directory {
		b.emitRemoved(p, f)
	} else {
		b.emitUnlinked(p, f)
		p.Call("set size", abi.SysFtruncate, n, f.Size).Detail(f.Path)
		at = b.fill(p, f.ID, f.Size, at)
	}
	p.Call("set owner", abi.SysFchown, n, uint64(f.UID), uint64(f.GID)).Detail(f.Path)
	p.Call("set mode", abi.SysFchmod, n, uint64(f.Mode&0o7777)).Detail(f.Path)
	if directory {
		return at
	}
	// A program is not to be open for writing.
	name := b.t.String(numberPath(int(n)))
	p.Call("open for reading", abi.SysOpenat, atFDCWD, name, uint64(format.ORdOnly), 0).Exact(0).Detail(f.Path)
	b.moveTo(p, int(n))
	return at
}

// placeOf is where a file or directory that had a path can be made: there, or if
// the directories are gone, too, in the nearest that is left. free says that the
// name is not taken.
func placeOf(name string) (place string, free bool) {
	dir := path.Dir(name)
	for {
		if st, err := sys.Stat(dir); err == nil && st.Mode&modeType == modeDirectory || dir == "/" || dir == "." {
			break
		}
		dir = path.Dir(dir)
	}
	place = path.Join(dir, path.Base(name))
	_, err := sys.Lstat(place)
	return place, errors.Is(err, sys.ENOENT)
}

// passing notes a name that is there for a moment, so that a failed restore can
// remove it.
func (b *builder) passing(name string, directory bool) {
	const coarse = 100 * time.Millisecond // how late file times are at most
	b.names = append(b.names, passingName{name, directory, time.Now().Add(-coarse)})
}

// emitUnlinked makes an empty file without a name. It has the one the image's
// had for a moment, so that /proc shows that, unless another has it now.
func (b *builder) emitUnlinked(p *husk.Program, f *format.DeletedFile) {
	place, free := placeOf(f.Path)
	if !free {
		dir := path.Dir(place)
		b.create(p, f.ID, "make deleted file in", dir, abi.SysOpenat, atFDCWD, b.t.String(dir), oTmpfile|uint64(format.ORdWr), ownerOnly)
		return
	}
	b.passing(place, false)
	name := b.t.String(place)
	p.Call("make deleted file", abi.SysOpenat, atFDCWD, name, oCreat|oExcl|uint64(format.ORdWr), ownerOnly).Exact(0).Detail(place)
	p.Call("unlink", abi.SysUnlinkat, atFDCWD, name, 0).Detail(place)
	b.moveTo(p, b.files.number[f.ID])
}

const (
	// ownerOnly is the mode of files as long as they are made.
	ownerOnly   = 0o600
	atRemoveDir = 0x200 // AT_REMOVEDIR
)

// emitRemoved makes a directory without a name, as emitUnlinked does a file.
func (b *builder) emitRemoved(p *husk.Program, f *format.DeletedFile) {
	place, free := placeOf(f.Path)
	if !free {
		place = fmt.Sprintf("%s.thaw-%d-%d", place, time.Now().UnixNano(), f.ID)
	}
	b.passing(place, true)
	name := b.t.String(place)
	p.Call("make deleted directory", abi.SysMkdirat, atFDCWD, name, ownerOnly|0o100).Detail(place)
	p.Call("open directory", abi.SysOpenat, atFDCWD, name, uint64(format.ODirectory), 0).Exact(0).Detail(place)
	p.Call("remove directory", abi.SysUnlinkat, atFDCWD, name, atRemoveDir).Detail(place)
	b.moveTo(p, b.files.number[f.ID])
}

// removeNames removes what a failed restore has left of names that were to be
// there for a moment: empty, of the engine's user, and no older than the restore.
func (e *engine) removeNames() error {
	if e.b == nil {
		return nil
	}
	var errs []error
	for _, n := range e.b.names {
		st, err := sys.Lstat(n.path)
		if err != nil || st.UID != e.host.creds.FSUID || st.MTime < n.since.UnixNano() {
			continue
		}
		switch {
		case n.directory && st.Mode&modeType == modeDirectory:
			errs = append(errs, sys.Remove(n.path, true))
		case !n.directory && st.Mode == modeRegular|ownerOnly && st.Size == 0:
			errs = append(errs, sys.Remove(n.path, false))
		}
	}
	return errors.Join(errs...)
}
