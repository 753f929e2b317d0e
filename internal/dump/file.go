package dump

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/thaw-cr/thaw/format"
)

// Files prints each file table with what its descriptors lead to. The column
// OPEN is the open file description: the same number is the same open file. The
// digests of files' contents come last.
func (p *Printer) Files() error {
	who := p.usersOf(func(t *format.Task) format.ObjectID { return t.Files })
	for i := range p.img.Objects.FileTables {
		t := &p.img.Objects.FileTables[i]
		if i > 0 {
			p.printf("\n")
		}
		p.printf("%s\n", p.paint(fmt.Sprintf("files %d of %s", t.ID, who.String(t.ID)), text.Bold))
		if err := p.fileTable(t); err != nil {
			return err
		}
	}
	if err := p.digests(); err != nil {
		return err
	}
	return p.out.Flush()
}

// digests prints the digests of what was in open and mapped files, if the image has
// any.
func (p *Printer) digests() error {
	list := p.img.Objects.Digested()
	if len(list) == 0 {
		return nil
	}
	p.printf("\n%s\n", p.paint("contents of files that are open or mapped", text.Bold))
	table := NewTable("SHA256", "FILE")
	for _, f := range list {
		table.Add(hex.EncodeToString(f.SHA256), fileRef(f))
	}
	return table.Write(p.out, p.opts)
}

func (p *Printer) fileTable(ft *format.FileTable) error {
	table := NewTable(">FD", ">OPEN", "KIND", "MODE", ">POS", "WHAT")
	for _, e := range ft.Entries {
		f := p.idx.File(e.File)
		if f == nil {
			table.Add(fmt.Sprint(e.FD), object(e.File), "?", "", "", "no such open file in the image")
			continue
		}
		mode := fileMode(f)
		if e.CloseOnExec {
			mode += " cloexec"
		}
		table.Add(fmt.Sprint(e.FD), object(f.ID), Clean(string(f.Kind)), mode, fmt.Sprint(f.Pos), joinSet(", ", p.openFile(f), ifAny(len(f.Locks), "lock", "locks")))
	}
	return table.Write(p.out, p.opts)
}

// fileMode gives the access mode and the status flags that have a short name.
func fileMode(f *format.OpenFile) string {
	mode := []string{"r", "w", "rw", "-"}[f.Flags&format.OAccMode]
	if f.Flags&format.OPath != 0 {
		mode = "path"
	}
	for _, l := range []struct {
		bit  uint32
		name string
	}{{format.OAppend, "append"}, {format.ONonBlock, "nonblock"}, {format.ODirect, "direct"}} {
		if f.Flags&l.bit != 0 {
			mode += " " + l.name
		}
	}
	return mode
}

// openFile says what an open file is, in a few words.
func (p *Printer) openFile(f *format.OpenFile) string {
	switch {
	case f.Regular != nil:
		return fileRef(&f.Regular.File)
	case f.Directory != nil:
		return fileRef(&f.Directory.File)
	case f.Device != nil:
		return fmt.Sprintf("%s (%d:%d)", Clean(f.Device.File.Path), f.Device.Major, f.Device.Minor)
	case f.Pipe != nil:
		return p.pipeEnd(f)
	case f.Memfd != nil:
		if s := p.idx.Shared(f.Memfd.Shared); s != nil {
			return fmt.Sprintf("%s, %s, shared %d", Clean(s.Name), Bytes(s.Size), s.ID)
		}
		return fmt.Sprintf("shared %d", f.Memfd.Shared)
	case f.TTY != nil:
		return p.terminal(f.TTY)
	case f.Other != nil:
		return Clean(f.Other.Link)
	}
	if s := counters(f); s != "" {
		return s
	}
	return sockets(f)
}

func (p *Printer) pipeEnd(f *format.OpenFile) string {
	b := p.idx.Pipe(f.Pipe.Buffer)
	if b == nil {
		return fmt.Sprintf("buffer %d, which the image does not hold", f.Pipe.Buffer)
	}
	return joinSet(", ", Clean(b.Fifo.Path), fmt.Sprintf("buffer %d", b.ID),
		Bytes(uint64(len(b.Data)))+" unread of "+Bytes(uint64(b.Capacity)))
}

func (p *Printer) terminal(f *format.TTYFile) string {
	side := "slave"
	if f.Master {
		side = "master"
	}
	t := p.idx.Terminal(f.Terminal)
	if t == nil {
		return side + " of terminal " + object(f.Terminal)
	}
	if t.Inherited {
		side += ", inherited"
	}
	return joinSet(", ", Clean(t.Path), side)
}

// counters describes the files that are little more than a number.
func counters(f *format.OpenFile) string {
	switch {
	case f.Eventfd != nil:
		return fmt.Sprintf("count %d", f.Eventfd.Count)
	case f.Epoll != nil:
		return Count(len(f.Epoll.Watches), "watch", "watches")
	case f.Timerfd != nil:
		if f.Timerfd.Remaining == 0 {
			return "disarmed"
		}
		return fmt.Sprintf("in %v", nanoseconds(f.Timerfd.Remaining))
	case f.Signalfd != nil:
		return f.Signalfd.Mask.String()
	case f.Inotify != nil:
		return Count(len(f.Inotify.Watches), "watch", "watches")
	case f.Fanotify != nil:
		return Count(len(f.Fanotify.Marks), "mark", "marks")
	case f.Pidfd != nil:
		return fmt.Sprintf("of %d", f.Pidfd.PID)
	case f.Namespace != nil:
		return fmt.Sprintf("namespace %d", f.Namespace.Namespace)
	}
	return ""
}

// nanoseconds makes a duration of a number of an image, which may be larger
// than a duration can hold.
func nanoseconds(n uint64) time.Duration { return time.Duration(min(n, 1<<63-1)) }
