package capture

import "github.com/thaw-cr/thaw/format"

func (c *capturer) readSignalfd(o *opened) error {
	mask, ok := o.info.Uint("sigmask", 16)
	if !ok {
		return o.missing("sigmask")
	}
	o.file().Kind, o.file().Signalfd = format.FileSignalfd, &format.Signalfd{Mask: format.SignalSet(mask)}
	return nil
}
