package capture

import (
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// ttyKey is a terminal's device.
type ttyKey struct{ major, minor uint32 }

// isTTY says whether a character device is a terminal.
func isTTY(rdev uint64) bool {
	switch major := sys.Major(rdev); major {
	case abi.MajorTTY, abi.MajorTTYAux:
		return true
	default:
		return major >= abi.MajorPTYFirst && major <= abi.MajorPTYLast
	}
}

func (c *capturer) readTTY(o *opened) error {
	key := ttyKey{sys.Major(o.st.Rdev), sys.Minor(o.st.Rdev)}
	if key == (ttyKey{abi.MajorTTYAux, abi.MinorPtmx}) {
		c.refuseFile(o, validate.CodePtyMaster, "the master of a pseudo-terminal")
		return nil
	}
	if !c.needDup(o) {
		return nil
	}
	if key == (ttyKey{abi.MajorTTYAux, abi.MinorTTYCurrent}) {
		key = controlling(&o.t.stat)
	}
	id, err := c.terminal(key, o.link, o.dup)
	if err != nil {
		return err
	}
	ref, err := c.fileRef(o.path, o.link, o.st, o.t.tid, noBuildID)
	o.file().Kind, o.file().TTY = format.FileTTY, &format.TTYFile{Terminal: id, File: ref}
	return err
}

// terminal finds the object of a terminal; fd is open to it, or -1.
func (c *capturer) terminal(key ttyKey, path string, fd int) (format.ObjectID, error) {
	id, ok := c.ttys[key]
	if ok && fd < 0 {
		return id, nil
	}
	if !ok {
		id = c.newID()
		c.ttys[key] = id
		t := format.Terminal{ID: id, Major: key.major, Minor: key.minor, Inherited: true}
		if key.major >= abi.MajorPTYFirst && key.major <= abi.MajorPTYLast {
			t.Index = (key.major-abi.MajorPTYFirst)<<8 + key.minor
			t.Path = "/dev/pts/" + itoa(int(t.Index))
		}
		t.Session, t.Group = c.ttyOwners(key)
		c.img.Objects.Terminals = append(c.img.Objects.Terminals, t)
	}
	for i := range c.img.Objects.Terminals {
		if t := &c.img.Objects.Terminals[i]; t.ID == id && fd >= 0 && t.Settings == nil {
			return id, readTerminal(t, path, fd)
		}
	}
	return id, nil
}

// ttyOwners finds the session and the foreground group of a terminal by the
// tasks whose controlling terminal it is.
func (c *capturer) ttyOwners(key ttyKey) (session, group format.PID) {
	for _, p := range c.order {
		if st := &p.tasks[0].stat; st.TTY != 0 && controlling(st) == key {
			return p.tasks[0].model.SID, c.inner(max(st.TPGID, 0))
		}
	}
	return 0, 0
}

const (
	tcgets2    = 0x802c542a
	tiocgwinsz = 0x5413
)

// readTerminal reads the settings through a descriptor.
func readTerminal(t *format.Terminal, path string, fd int) error {
	if t.Path == "" && strings.HasPrefix(path, "/") {
		t.Path, _ = cutDeleted(path)
	}
	settings := make([]byte, abi.Termios2Size)
	if _, err := sys.IoctlBytes(fd, tcgets2, settings); err != nil {
		return err
	}
	t.Settings = settings
	var size [8]byte
	if _, err := sys.IoctlBytes(fd, tiocgwinsz, size[:]); err != nil {
		return err
	}
	t.Rows, t.Columns = uint16(size[0])|uint16(size[1])<<8, uint16(size[2])|uint16(size[3])<<8
	return nil
}
