package validate

import "github.com/thaw-cr/thaw/format"

const (
	// resources is RLIM_NLIMITS.
	resources = 16
	// The scheduling policies (include/uapi/linux/sched.h).
	schedOther    = 0
	schedFIFO     = 1
	schedRR       = 2
	schedBatch    = 3
	schedDeadline = 6
	schedExt      = 7
	maxPriority   = 99
	// ioClasses are none, realtime, best effort and idle, in bits 13 and up.
	ioClassShift = 13
	ioClasses    = 4
	// personalityBits are an execution domain and the flags of personality(2).
	personalityBits = 0xff | 0x0020000 | 0x0040000 | 0x0080000 | 0x0100000 | 0x0200000 | 0x0400000 |
		0x0800000 | 0x1000000 | 0x2000000 | 0x4000000 | 0x8000000
	seccompFilter = 2
)

// checkState is family S.
func checkState(c *checker) {
	c.eachTask(checkRegisters, checkUserAddresses, checkMask, checkTaskPending, checkSched,
		checkPersonality, checkSeccompMode, checkTraits)
	owner := byObject[format.PID](c.lists)
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if !owner.Has(t.Process) {
			owner.Set(t.Process, t.TGID)
		}
	}
	for i := range c.img.Objects.Processes {
		p := &c.img.Objects.Processes[i]
		checkPending(c, Subject{Object: p.ID}, p.Pending, pendingLimit(p))
		checkIntervals(c, p)
		checkTimers(c, p, owner.Get(p.ID))
		checkLimits(c, p)
		if p.OOMScoreAdj < -1000 || p.OOMScoreAdj > 1000 {
			c.object("S063", p.ID, "oom_score_adj is %d", p.OOMScoreAdj)
		}
		if bad := p.XFeatures &^ askedFeatures; bad != 0 {
			c.object("S047", p.ID, "processor features %#x", bad)
		}
	}
	for i := range c.img.Objects.Handlers {
		checkHandlers(c, &c.img.Objects.Handlers[i])
	}
	for i := range c.img.Objects.Creds {
		checkCreds(c, &c.img.Objects.Creds[i])
	}
	for i := range c.img.Objects.FS {
		checkFS(c, &c.img.Objects.FS[i])
	}
}

func checkLimits(c *checker, p *format.Process) {
	var seen [resources]bool
	for _, l := range p.Limits {
		switch {
		case l.Resource >= resources:
			c.object("S060", p.ID, "limit of resource %d", l.Resource)
			continue
		case seen[l.Resource]:
			c.object("S061", p.ID, "two limits of resource %d", l.Resource)
		}
		seen[l.Resource] = true
		if l.Soft > l.Hard {
			c.object("S062", p.ID, "limit of resource %d: soft %d, hard %d", l.Resource, l.Soft, l.Hard)
		}
	}
}

func checkSched(c *checker, t *format.Task) {
	s := t.Sched
	if s == nil {
		return
	}
	if s.Nice < -20 || s.Nice > 19 {
		c.task("S070", t, "nice value %d", s.Nice)
	}
	switch realtime := s.Policy == schedFIFO || s.Policy == schedRR; {
	case s.Policy == 4 || s.Policy > schedExt:
		c.task("S071", t, "scheduling policy %d", s.Policy)
	case realtime && (s.Priority < 1 || s.Priority > maxPriority), !realtime && s.Priority != 0:
		c.task("S072", t, "scheduling policy %d with priority %d", s.Policy, s.Priority)
	}
	if fair := s.Policy == schedOther || s.Policy == schedBatch; s.Slice != 0 && (!fair || s.Slice < minSlice || s.Slice > maxSlice) {
		c.task("S079", t, "time slice of %d ns with policy %d", s.Slice, s.Policy)
	}
	var any uint64
	for _, w := range s.Affinity {
		any |= w
	}
	if len(s.Affinity) > 0 && any == 0 {
		c.task("S073", t, "affinity mask of %d words without a processor", len(s.Affinity))
	}
	if class := s.IOPrio >> ioClassShift; class >= ioClasses || class == 0 && s.IOPrio != 0 {
		c.task("S074", t, "I/O priority %#x", s.IOPrio)
	}
}

func checkPersonality(c *checker, t *format.Task) {
	if bad := t.Personality &^ personalityBits; bad != 0 {
		c.task("S075", t, "personality %#x", t.Personality)
	}
}

func checkSeccompMode(c *checker, t *format.Task) {
	if t.SeccompMode > seccompFilter || living(t) && (t.SeccompMode == seccompFilter) != (t.Seccomp != 0) {
		c.task("S076", t, "seccomp mode %d with filter %d", t.SeccompMode, t.Seccomp)
	}
}
