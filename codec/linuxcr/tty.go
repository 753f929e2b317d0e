package linuxcr

import (
	"bytes"
	"encoding/binary"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

const (
	// ttyMaster is the subtype of a pseudo-terminal's controlling side.
	ttyMaster = 1
	// ptsMajor is the first major number of slaves, each with 256 minors.
	ptsMajor, ptsMinors = 136, 256
	// termiosSize is that of struct termios2 (include/uapi/asm-generic/
	// termbits.h): four flags, line and 19 characters, two speeds.
	termiosSize, termiosLine, termiosSpeed, termiosChars = 44, 16, 36, 19
)

// ttyNote is one side of a terminal.
type ttyNote struct {
	// terminal is the index of the pair in the model.
	terminal int
	master   bool
}

// terminal reads a TTY object: one side of a pseudo-terminal. Both sides are one
// Terminal of the model, which has the number of the first.
func (d *decoder) terminal(id format.ObjectID) error {
	h, b, err := d.headed(kTTY)
	if err != nil {
		return err
	}
	raw := bytes.Clone(b.p)
	index, master := b.u32(fIndex), b.u(fDriverSubtype) == ttyMaster
	peer, known := d.ttys[format.ObjectID(b.u32(fRef))]
	if !known {
		peer.terminal = len(d.img.Objects.Terminals)
		d.img.Objects.Terminals = append(d.img.Objects.Terminals, format.Terminal{
			ID: id, Path: "/dev/pts/" + itoa(int64(index)), Index: index,
			Major: ptsMajor + index/ptsMinors, Minor: index % ptsMinors, Inherited: true,
		})
	}
	d.ttys[id] = ttyNote{peer.terminal, master}
	t := &d.img.Objects.Terminals[peer.terminal]
	if known {
		t.Inherited = false
	}
	if !master || !known {
		t.Rows, t.Columns = uint16(b.u(fRows)), uint16(b.u(fColumns))
		t.Settings = termios(d.order, b.bytes(fTermios), d.gen >= D5)
	}
	if err := d.attach(h, id, raw); err != nil {
		return err
	}
	return d.lineDiscipline(id)
}

// termios turns recorded settings into struct termios2. Wide ones have flags of
// 32 bits and speeds.
func termios(order endian, p []byte, wide bool) []byte {
	out := make([]byte, termiosSize)
	width := 2
	if wide {
		width = 4
	}
	le := binary.LittleEndian
	for i := range 4 {
		le.PutUint32(out[4*i:], uint32(number(order, p[i*width:], width, false)))
	}
	rest := p[4*width:]
	if wide {
		le.PutUint32(out[termiosSpeed:], order.Uint32(rest))
		le.PutUint32(out[termiosSpeed+4:], order.Uint32(rest[4:]))
		rest = rest[8:]
	}
	copy(out[termiosLine:termiosSpeed], rest[:min(len(rest), 1+termiosChars)])
	return out
}

// lineDiscipline reads the TTY_LDISC record that follows a terminal in use, and
// the bytes that wait to be read.
func (d *decoder) lineDiscipline(id format.ObjectID) error {
	h, b, err := d.optional(kTTYLdisc)
	if err != nil || h.kind != kTTYLdisc {
		return err
	}
	n, packet := int64(b.u32(fDataLen)), b.u(fPacket) != 0
	if err := d.attach(h, id, bytes.Clone(b.p)); err != nil {
		return err
	}
	note := d.ttys[id]
	if n == 0 {
		d.img.Objects.Terminals[note.terminal].Packet = packet
		return nil
	}
	p, _, err := d.buffer(kBuffer, n)
	if err != nil {
		return err
	}
	t := &d.img.Objects.Terminals[note.terminal]
	if t.Packet = t.Packet || packet; note.master {
		t.Output = bytes.Clone(p)
	} else {
		t.Input = bytes.Clone(p)
	}
	return d.charge(len(p))
}

// controlling takes what SIGNAL says of the controlling terminal.
func (d *decoder) controlling(tty format.ObjectID, b body) {
	t := &d.img.Objects.Terminals[d.ttys[tty].terminal]
	d.img.Objects.Processes[d.processAt-1].Terminal = t.ID
	t.Session = d.section.task.SID
	group := b.i32(fTTYGroup)
	if d.gen >= D6 {
		numbers, ok := d.tags.find(group)
		if !ok {
			return
		}
		group = int32(numbers[0])
	}
	if group > 0 {
		t.Group = format.PID(group)
	}
}

// ttyFile is an open side of a terminal.
func (d *decoder) ttyFile(f *format.OpenFile, r fileRest) error {
	ref := format.ObjectID(r.ref())
	note, ok := d.ttys[ref]
	if !ok {
		return d.fault(codec.Missing, "FILE record", r.b.at, "terminal %d is not in the image before this place", ref)
	}
	path, err := d.optionalPath()
	if err != nil {
		return err
	}
	t := d.img.Objects.Terminals[note.terminal]
	f.Kind, f.TTY = format.FileTTY, &format.TTYFile{Terminal: t.ID, Master: note.master, File: format.FileRef{Path: path}}
	if path == "" {
		f.TTY.File.Path = t.Path
		if note.master {
			f.TTY.File.Path = "/dev/ptmx"
		}
	}
	return nil
}

// optionalPath takes a FILE_NAME if there is one.
func (d *decoder) optionalPath() (string, error) {
	if h, err := d.main(); err != nil || h.kind != kFileName {
		return "", err
	}
	return d.path()
}
