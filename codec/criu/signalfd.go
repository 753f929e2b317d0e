package criu

import "github.com/thaw-cr/thaw/format"

func (d *decoder) signalfd(e *entryOf, o *format.OpenFile) error {
	v := e.GetSgfd()
	if v == nil {
		return lacks(e)
	}
	o.Kind, o.Flags, o.Owner = format.FileSignalfd, v.GetFlags(), owner(v.GetFown())
	o.Signalfd = &format.Signalfd{Mask: format.SignalSet(v.GetSigmask())}
	return nil
}
