package host

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// sysv asks whether System V objects can have their numbers, and whether those
// are free.
func (c *check) sysv() {
	o := &c.img.Objects
	segments := sysvSegments(c.img)
	for _, k := range []struct {
		name string
		n    int
	}{{"shm", len(segments)}, {"sem", len(o.Semaphores)}, {"msg", len(o.Messages)}} {
		if k.n == 0 {
			continue
		}
		setting := "kernel." + k.name + "_next_id"
		switch v, known := c.m.Setting(setting); {
		case !known:
			c.wonder("whether System V objects can be given their numbers (%s)", setting)
		case v == "":
			c.add(validate.CodeKernelFeature, validate.Subject{}, "no %s: System V objects cannot be given their numbers", setting)
		}
	}
	if len(segments) == 0 || rootNamespace(c.img, format.NSIPC) != nil {
		return
	}
	here := c.m.need(SectionSysV).SysV
	if here == nil {
		c.wonder("which System V segments there are")
		return
	}
	if here.Error != "" {
		c.add(validate.CodeKernelFeature, validate.Subject{}, "System V shared memory: %.80q", here.Error)
		return
	}
	c.segments(segments, here.Segments)
	c.sysvLimits(segments, here)
}

// segments asks whether numbers and keys are free.
func (c *check) segments(wanted []*format.SharedMemory, here []Segment) {
	ids, keys := map[int32]Segment{}, map[int32]Segment{}
	for _, s := range here {
		ids[s.ID] = s
		if s.Key != 0 {
			keys[s.Key] = s
		}
	}
	for _, s := range wanted {
		taken, ok := ids[s.SysV.Number]
		if !ok {
			taken, ok = keys[s.SysV.Key]
		}
		if ok {
			c.add(validate.CodeSysVTaken, validate.ObjectSubject(s.ID), "segment %d with key %#x exists, wanted are %d and %#x",
				taken.ID, uint32(taken.Key), s.SysV.Number, uint32(s.SysV.Key))
		}
	}
}

// sysvLimits asks whether there may be as many segments of those sizes.
func (c *check) sysvLimits(wanted []*format.SharedMemory, here *SysV) {
	if most, ok := c.m.number("kernel.shmmni"); ok && uint64(len(wanted)+len(here.Segments)) > most {
		c.add(validate.CodeSysVLimit, validate.Subject{}, "%d segments are needed beside %d, kernel.shmmni is %d", len(wanted), len(here.Segments), most)
	}
	most, ok := c.m.number("kernel.shmmax")
	var pages uint64
	for _, s := range wanted {
		if ok && s.Size > most {
			c.add(validate.CodeSysVLimit, validate.ObjectSubject(s.ID), "a segment of %d bytes, kernel.shmmax is %d", s.Size, most)
		}
		pages += (min(s.Size, 1<<62) + format.PageSize - 1) / format.PageSize
	}
	switch most, ok := c.m.number("kernel.shmall"); {
	case !ok:
		c.wonder("how many pages System V segments may have (kernel.shmall)")
	case pages > most-min(here.Pages, most):
		c.add(validate.CodeSysVLimit, validate.Subject{}, "segments of %d pages are needed beside %d, kernel.shmall is %d", pages, here.Pages, most)
	}
}

// sysvSegments are the segments that have a number.
func sysvSegments(img *format.Image) []*format.SharedMemory {
	var list []*format.SharedMemory
	for i := range img.Objects.Shared {
		if s := &img.Objects.Shared[i]; s.Kind == format.SharedSysV && s.SysV != nil {
			list = append(list, s)
		}
	}
	return list
}

// A sysvKey is what a System V object is known by.
type sysvKey struct {
	id  format.ObjectID
	key *format.SysVKey
}

// sysvKeys are those of all System V objects.
func sysvKeys(img *format.Image) []sysvKey {
	var list []sysvKey
	for _, s := range sysvSegments(img) {
		list = append(list, sysvKey{s.ID, s.SysV})
	}
	for i := range img.Objects.Semaphores {
		list = append(list, sysvKey{img.Objects.Semaphores[i].ID, &img.Objects.Semaphores[i].Key})
	}
	for i := range img.Objects.Messages {
		list = append(list, sysvKey{img.Objects.Messages[i].ID, &img.Objects.Messages[i].Key})
	}
	return list
}
