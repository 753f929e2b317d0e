package capture

import (
	"github.com/thaw-cr/thaw/format"
)

// readDead reads a zombie, or a leader that died before its threads.
func (c *capturer) readDead(t *task) {
	m := &t.model
	m.State = format.Zombie
	if m.Leader() && t.proc.alive() != nil {
		m.State = format.DeadLeader
	}
	m.Status = format.WaitStatus(t.stat.ExitCode)
	m.Times = &format.Times{User: t.stat.UTime, System: t.stat.STime, Start: t.stat.Start}
	if m.State == format.Zombie {
		m.Process = 0
	}
}
