package host

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// zombies asks whether core flags can be made.
func (c *check) zombies() {
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.State != format.Zombie || !t.Status.Core() {
			continue
		}
		pattern, known := c.m.Setting("kernel.core_pattern")
		if !known {
			c.wonder("where cores are dumped to (kernel.core_pattern)")
			return
		}
		if _, err := ParseCorePattern(pattern); err != nil {
			c.add(validate.CodeCorePattern, validate.TaskSubject(t.TID), "%v", err)
		}
	}
}
