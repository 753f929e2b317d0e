package restore

import (
	"errors"

	"github.com/thaw-cr/thaw/internal/hostfacts"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate/host"
)

// A socketName is a path where unix sockets of the image had or have a file.
type socketName struct {
	host.SocketName
	// was is the file that stood there, if found is set.
	was   sys.FileInfo
	found bool
}

// clearNames removes the files of sockets that are no more and that will be made
// anew.
func (e *engine) clearNames() error {
	e.names = nil
	for _, n := range host.SocketNames(e.req.Image) {
		e.names = append(e.names, socketName{SocketName: n})
	}
	for i := range e.names {
		n := &e.names[i]
		st, err := sys.Lstat(n.Path)
		if errors.Is(err, sys.ENOENT) {
			continue
		}
		if err != nil {
			return err
		}
		if why := hostfacts.Bound(n.Path); why != "" {
			return errors.New(n.Path + ": " + why)
		}
		n.was, n.found = st, true
		if err := sys.Unlink(n.Path); err != nil {
			return err
		}
	}
	return nil
}

// keepNames puts back the files of sockets that are no more at names that the
// image's sockets had only while they were made.
func (e *engine) keepNames() error {
	for i := range e.names {
		if n := &e.names[i]; n.found && !n.Kept {
			if err := sys.MakeSocketFile(n.Path, n.was.Mode, n.was.UID, n.was.GID); err != nil {
				return err
			}
		}
	}
	return nil
}

// restoreNames leaves at the names what was there before a restore that failed.
func (e *engine) restoreNames() error {
	var errs []error
	for i := range e.names {
		n := &e.names[i]
		st, err := sys.Lstat(n.Path)
		if err == nil && st.Mode&sys.ModeType == sys.ModeSocket {
			if dead, err := sys.DeadSocket(n.Path); err == nil && dead {
				errs = append(errs, sys.Unlink(n.Path))
			}
		}
		if n.found {
			errs = append(errs, sys.MakeSocketFile(n.Path, n.was.Mode, n.was.UID, n.was.GID))
		}
	}
	e.names = nil
	return errors.Join(errs...)
}
