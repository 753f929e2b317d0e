package restore

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/husk"
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
	if id := d.Directory.File.Deleted; id != 0 {
		b.reopen(p, d, b.files.number[id]) // it is empty, wherever one reads
		return
	}
	b.openPath(p, d, d.Directory.File.Path)
	b.seek(p, d)
}

func (b *builder) emitDevice(p *husk.Program, d *format.OpenFile) {
	b.openPath(p, d, d.Device.File.Path)
}

func (b *builder) openPath(p *husk.Program, d *format.OpenFile, name string) {
	b.create(p, d.ID, "open", name, abi.SysOpenat, atFDCWD, b.t.String(name), openFlags(d), 0)
}
