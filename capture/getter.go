package capture

import (
	"errors"

	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// getter duplicates descriptors of one task.
type getter struct {
	pidfd int // -1 where there is no way but opening the file anew
}

// newGetter opens the task. The descriptors of a thread beside its leader, or
// without one that lives, want PIDFD_THREAD.
func newGetter(t *task) (*getter, error) {
	flags := 0
	if t.tid != t.proc.pid {
		if s, _ := sys.FeaturePidfdThread.Probe(); s != sys.Supported {
			return &getter{pidfd: -1}, nil
		}
		flags = sys.PidfdThread
	}
	fd, err := sys.PidfdOpen(t.tid, flags)
	return &getter{pidfd: fd}, err
}

func (g *getter) close() {
	if g.pidfd >= 0 {
		_ = sys.Close(g.pidfd)
	}
}

// reopenable are the types of files that can be opened anew to look at what
// is not special to the description.
var reopenable = map[uint32]bool{sys.ModeRegular: true, sys.ModeDir: true}

// dup gives a descriptor of this program for what the task has open, or -1 if
// only /proc can tell of it.
func (g *getter) dup(o *opened) (int, error) {
	if g.pidfd >= 0 {
		return sys.PidfdGetfd(g.pidfd, o.fd)
	}
	if !reopenable[o.st.Mode&sys.ModeType] {
		return -1, nil
	}
	fd, err := sys.Open(o.path, abi.ORdonly|abi.ONonblock|abi.ONoctty, 0)
	if errors.Is(err, sys.EACCES) || errors.Is(err, sys.EPERM) {
		return -1, nil
	}
	return fd, err
}

// needDup says whether there is a duplicate to work with, and refuses the file
// otherwise.
func (c *capturer) needDup(o *opened) bool {
	if o.dup >= 0 {
		return true
	}
	c.refuseFile(o, validate.CodeKernelFeature,
		"open in a thread whose descriptors this kernel does not give away (PIDFD_THREAD, Linux 6.9)")
	return false
}
