package restore

import (
	"errors"
	"path"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
	"github.com/thaw-cr/thaw/internal/sys"
)

func (b *builder) emitRegular(p *husk.Program, d *format.OpenFile) {
	f := d.Regular.File
	if f.Deleted != 0 {
		b.reopen(p, d, b.files.number[f.Deleted])
	} else {
		b.openPath(p, d, f.Path)
	}
	b.seek(p, d)
}

func (b *builder) emitDirectory(p *husk.Program, d *format.OpenFile) {
	b.openPath(p, d, d.Directory.File.Path)
	b.seek(p, d)
}

func (b *builder) emitDevice(p *husk.Program, d *format.OpenFile) {
	b.openPath(p, d, d.Device.File.Path)
}

func (b *builder) openPath(p *husk.Program, d *format.OpenFile, name string) {
	b.create(p, d.ID, "open", name, abi.SysOpenat, atFDCWD, b.t.String(name), openFlags(d), 0)
}

// emitDeleted makes a file without a name, in the directory where the image's
// had one, with its contents. at is where it may be mapped meanwhile; the next
// free address is returned.
func (b *builder) emitDeleted(p *husk.Program, f *format.DeletedFile, at uint64) uint64 {
	if f.Link != "" {
		b.create(p, f.ID, "open", f.Link, abi.SysOpenat, atFDCWD, b.t.String(f.Link), uint64(format.ORdOnly), 0)
		return at
	}
	b.emitUnlinked(p, f)
	n := uint64(b.files.number[f.ID])
	p.Call("set size", abi.SysFtruncate, n, f.Size).Detail(f.Path)
	at = b.fill(p, f.ID, f.Size, at)
	p.Call("set owner", abi.SysFchown, n, uint64(f.UID), uint64(f.GID)).Detail(f.Path)
	p.Call("set mode", abi.SysFchmod, n, uint64(f.Mode&0o7777)).Detail(f.Path)
	// A program is not to be open for writing.
	path := b.t.String(numberPath(int(n)))
	p.Call("open for reading", abi.SysOpenat, atFDCWD, path, uint64(format.ORdOnly), 0).Exact(0).Detail(f.Path)
	b.moveTo(p, int(n))
	return at
}

// emitUnlinked makes an empty file without a name. It has the one the image's
// had for a moment, so that /proc shows that, unless another has it now.
func (b *builder) emitUnlinked(p *husk.Program, f *format.DeletedFile) {
	const mode = 0o600
	if _, err := sys.Lstat(f.Path); errors.Is(err, sys.ENOENT) {
		name := b.t.String(f.Path)
		p.Call("make deleted file", abi.SysOpenat, atFDCWD, name, oCreat|oExcl|uint64(format.ORdWr), mode).Exact(0).Detail(f.Path)
		p.Call("unlink", abi.SysUnlinkat, atFDCWD, name, 0).Detail(f.Path)
		b.moveTo(p, b.files.number[f.ID])
		return
	}
	dir := path.Dir(f.Path)
	b.create(p, f.ID, "make deleted file in", dir, abi.SysOpenat, atFDCWD, b.t.String(dir), oTmpfile|uint64(format.ORdWr), mode)
}
