package restore

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/husk"

	"golang.org/x/term"
)

// emitTTY opens the caller's terminal in place of an inherited one.
func (b *builder) emitTTY(p *husk.Program, d *format.OpenFile) {
	b.reopen(p, d, b.fds.tty)
}

// callerTerminal is a descriptor of the caller's terminal if the image borrows
// one, or -1.
func callerTerminal(img *format.Image) int {
	for i := range img.Objects.Files {
		if img.Objects.Files[i].TTY == nil {
			continue
		}
		return standardTerminal()
	}
	return -1
}

// standardTerminal is which of the caller's standard descriptors is a terminal,
// or -1.
func standardTerminal() int {
	for fd := range 3 {
		if term.IsTerminal(fd) {
			return fd
		}
	}
	return -1
}

// HasTerminal says whether a restore by this program would have a terminal to
// hand over.
func HasTerminal() bool { return standardTerminal() >= 0 }
