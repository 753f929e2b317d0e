package host

import (
	"cmp"

	"github.com/thaw-cr/thaw/validate"
)

const (
	// fewPages is how many pages a new pipe has if its user has too many in all
	// (fs/pipe.c, PIPE_MIN_DEF_BUFFERS).
	fewPages = 2
	pipePage = 4096
)

// pipes asks whether pipes may be as large as they are, alone and together. What
// other pipes the user has nobody tells, so their sum is the least.
func (c *check) pipes() {
	r, list := c.rights, c.img.Objects.Pipes
	if r == nil || len(list) == 0 || r.EverywhereHas(CapSysResource) {
		return
	}
	most, ok := c.m.number("fs.pipe-max-size")
	if !ok {
		c.wonder("how large pipes may be (fs.pipe-max-size)")
	}
	var large, all uint64
	for i := range list {
		p := &list[i]
		if ok && uint64(p.Capacity) > most {
			c.add(validate.CodeHostLimit, validate.ObjectSubject(p.ID), "a pipe of %d bytes, fs.pipe-max-size is %d", p.Capacity, most)
		}
		pages := cmp.Or(uint64(p.Capacity)/pipePage, fewPages)
		if all += pages; pages > fewPages {
			large += pages
		}
	}
	if r.EverywhereHas(capSysAdmin) {
		return
	}
	for _, l := range []struct {
		setting string
		pages   uint64
	}{{"fs.pipe-user-pages-soft", large}, {"fs.pipe-user-pages-hard", all}} {
		switch most, ok := c.m.number(l.setting); {
		case !ok:
			c.wonder("how much memory the pipes of a user may have (%s)", l.setting)
		case most != 0 && l.pages > most:
			c.add(validate.CodeHostLimit, validate.Subject{}, "pipes of %d pages together, %s is %d", l.pages, l.setting, most)
		}
	}
}
