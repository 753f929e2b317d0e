package capture

import (
	"strings"

	"github.com/thaw-cr/thaw/format"
)

func (c *capturer) readMemfd(o *opened, name string) error {
	name = strings.TrimSuffix(name, deletedSuffix)
	id, err := c.sharedMemory(o.path, "/memfd:"+name, o.st, o.t.tid)
	o.file().Kind, o.file().Memfd = format.FileMemfd, &format.MemfdFile{Shared: id}
	return err
}
