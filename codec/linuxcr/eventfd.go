package linuxcr

import "github.com/thaw-cr/thaw/format"

// eventfdSemaphore is EFD_SEMAPHORE (eventfd(2)).
const eventfdSemaphore = 1

// eventfdFile takes the counter and flags of an eventfd.
func (d *decoder) eventfdFile(f *format.OpenFile, r fileRest) error {
	f.Kind = format.FileEventfd
	f.Eventfd = &format.Eventfd{
		Count:     r.b.order.Uint64(r.p),
		Semaphore: r.b.order.Uint32(r.p[8:])&eventfdSemaphore != 0,
	}
	return nil
}
