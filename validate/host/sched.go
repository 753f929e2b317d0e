package host

import (
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

const (
	schedIdle    = 5
	lowestNice   = 20 // RLIMIT_NICE counts from there
	ioClassShift = 13
	ioRealtime   = 1
)

// realtime says whether a task is scheduled by SCHED_FIFO or SCHED_RR.
func realtime(s *format.Sched) bool { return s.Policy == 1 || s.Policy == 2 }

// scheduling asks whether a task can be scheduled as it was: better than the
// engine is takes a limit that allows it, or a capability in the first user
// namespace (kernel/sched/syscalls.c, user_check_sched_setscheduler;
// block/ioprio.c, ioprio_check_cap).
func (c *check) scheduling(t *format.Task) {
	s, own, subject := t.Sched, c.rights.Scheduling, validate.TaskSubject(t.TID)
	if c.rights.EverywhereHas(capSysNice) {
		return
	}
	if s.IOPrio>>ioClassShift == ioRealtime && (own == nil || s.IOPrio != own.IOPrio) && !c.rights.EverywhereHas(capSysAdmin) {
		c.add(validate.CodeCapability, subject, "I/O priority %#x takes CAP_SYS_NICE", s.IOPrio)
	}
	if realtime(s) {
		most := c.limits[rlimitRtprio].Soft
		same := own != nil && own.Policy == s.Policy
		if !same && most == 0 || uint64(s.Priority) > most && (own == nil || s.Priority > own.Priority) {
			c.add(validate.CodeCapability, subject, "real-time priority %d takes CAP_SYS_NICE", s.Priority)
		}
		return
	}
	nicest := int64(lowestNice) - int64(min(c.limits[rlimitNice].Soft, 2*lowestNice))
	switch {
	case int64(s.Nice) >= nicest:
	case own == nil:
		c.wonder("how the program that would restore is scheduled")
	case s.Nice < own.Nice:
		c.add(validate.CodeCapability, subject, "nice value %d, below the %d of the program that restores, takes CAP_SYS_NICE or RLIMIT_NICE", s.Nice, own.Nice)
	case own.Policy == schedIdle && s.Policy != schedIdle && int64(own.Nice) < nicest:
		c.add(validate.CodeCapability, subject, "another policy than SCHED_IDLE, which the program that restores has, takes CAP_SYS_NICE or RLIMIT_NICE")
	}
}

// oomScores asks whether processes can have the chances to be killed for want of
// memory that they had: those of the engine they have from the first, and what a
// privileged program has set it to once can be had again (fs/proc/base.c,
// __set_oom_adj).
func (c *check) oomScores() {
	if c.rights.EverywhereHas(CapSysResource) {
		return
	}
	living := map[format.ObjectID]bool{}
	for i := range c.img.Tasks {
		if t := &c.img.Tasks[i]; t.State != format.Zombie {
			living[t.Process] = true
		}
	}
	for i := range c.img.Objects.Processes {
		p := &c.img.Objects.Processes[i]
		if !living[p.ID] {
			continue
		}
		own := c.m.need(SectionOOM).Rights.OOM
		switch {
		case own == nil && p.OOMScoreAdj < 0:
			c.wonder("how low oom_score_adj may be set")
		case own == nil || p.OOMScoreAdj == own.Adjust || p.OOMScoreAdj >= own.Least:
		default:
			c.add(validate.CodeCapability, validate.ObjectSubject(p.ID), "oom_score_adj %d, below %d, takes CAP_SYS_RESOURCE", p.OOMScoreAdj, own.Least)
		}
	}
}
