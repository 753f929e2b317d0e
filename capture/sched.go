package capture

import (
	"errors"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// readSched reads how a task is scheduled.
func (c *capturer) readSched(t *task) (*format.Sched, error) {
	attr, err := sys.GetSchedAttr(t.tid)
	if err != nil {
		return nil, err
	}
	s := &format.Sched{
		Policy: attr.Policy, ResetOnFork: attr.Flags&abi.SchedFlagResetOnFork != 0,
		Nice: int8(attr.Nice), Priority: attr.Priority,
	}
	if fair := attr.Policy == abi.SchedNormal || attr.Policy == abi.SchedBatch; fair && attr.Runtime != c.traits.slice {
		s.Slice = attr.Runtime
	}
	if attr.UtilMin != 0 || (attr.UtilMax != 0 && attr.UtilMax != maxUtil) {
		c.warnOnce(t.tid, "utilization clamps of sched_setattr are not kept")
	}
	if attr.Policy >= abi.SchedDeadline {
		c.refuse(validate.CodeDeadline, t.tid, "its scheduling policy is %d", attr.Policy)
	}
	if s.Affinity, err = sys.GetAffinity(t.tid); err != nil {
		return nil, err
	}
	if slices.Equal(s.Affinity, c.cpus) {
		s.Affinity = nil
	}
	if s.IOPrio, err = sys.GetIOPrio(t.tid); err != nil {
		return nil, err
	}
	slack, err := c.r.Number(t.tid, "timerslack_ns", 10)
	if errors.Is(err, sys.EPERM) {
		t.askSlack = true // reading it takes CAP_SYS_NICE; the task itself may know
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.TimerSlack = modelSlack(uint64(slack))
	return s, nil
}

// maxUtil is the utilization that means no clamp (SCHED_CAPACITY_SCALE).
const maxUtil = 1024

// modelSlack is a timer slack as the model has it: zero for the default.
func modelSlack(ns uint64) uint64 {
	if ns == abi.DefaultTimerSlack {
		return 0
	}
	return ns
}

// allCPUs is the mask of the CPUs that a task without restrictions may use,
// which init is.
func allCPUs() ([]uint64, error) {
	var r procfs.Reader
	b, err := r.Read("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, err
	}
	return procfs.ParseCPUList(b)
}
