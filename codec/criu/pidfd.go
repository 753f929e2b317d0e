package criu

import "github.com/thaw-cr/thaw/format"

// pidfdThread is PIDFD_THREAD, which is O_EXCL.
const pidfdThread = 0o200

func (d *decoder) pidfd(e *entryOf, o *format.OpenFile) error {
	v := e.GetPidfd()
	if v == nil {
		return lacks(e)
	}
	o.Kind, o.Flags, o.Owner = format.FilePidfd, v.GetFlags(), owner(v.GetFown())
	o.Pidfd = &format.Pidfd{PID: format.PID(v.GetNspid()), Thread: v.GetFlags()&pidfdThread != 0}
	return nil
}
