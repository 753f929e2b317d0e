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
		for fd := range 3 {
			if term.IsTerminal(fd) {
				return fd
			}
		}
	}
	return -1
}
