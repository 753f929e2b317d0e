package criu

import "github.com/thaw-cr/thaw/format"

func (d *decoder) eventfd(e *entryOf, o *format.OpenFile) error {
	v := e.GetEfd()
	if v == nil {
		return lacks(e)
	}
	o.Kind, o.Flags, o.Owner = format.FileEventfd, v.GetFlags(), owner(v.GetFown())
	o.Eventfd = &format.Eventfd{Count: v.GetCounter()}
	return nil
}
