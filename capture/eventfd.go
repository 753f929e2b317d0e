package capture

import (
	"fmt"

	"github.com/thaw-cr/thaw/format"
)

// missing is the error about a line that fdinfo should have.
func (o *opened) missing(name string) error {
	return fmt.Errorf("%sinfo/%d: no line %q that can be read", o.path[:len(o.path)-len(itoa(o.fd))-1], o.fd, name)
}

func (c *capturer) readEventfd(o *opened) error {
	count, ok := o.info.Uint("eventfd-count", 16)
	if !ok {
		return o.missing("eventfd-count")
	}
	e := &format.Eventfd{Count: count}
	if s, ok := o.info.Uint("eventfd-semaphore", 10); ok {
		e.Semaphore = s != 0
	} else {
		c.warnOnce(o.t.tid, "this kernel does not tell whether an eventfd is a semaphore (Linux 6.5): none is taken for one")
	}
	o.file().Kind, o.file().Eventfd = format.FileEventfd, e
	return nil
}
