package host

import (
	"fmt"
	"slices"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// Names of features that a kernel is asked for. Those of the options of unix
// sockets are made by SocketOption.
const (
	FeatureSetTID        = "clone3 with set_tid"
	FeatureCloseRange    = "close_range"
	FeatureMemfd         = "memfd_create"
	FeatureMMMap         = "PR_SET_MM_MAP"
	FeatureRseq          = "rseq"
	FeatureMseal         = "mseal"
	FeatureMDWE          = "PR_SET_MDWE"
	FeatureMerge         = "PR_SET_MEMORY_MERGE"
	FeatureTHPAdvised    = "PR_THP_DISABLE_EXCEPT_ADVISED"
	FeatureGuard         = "MADV_GUARD_INSTALL"
	FeatureNoCPUID       = "ARCH_SET_CPUID"
	FeatureBarrierGlobal = "MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED"
	FeatureBarrier       = "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED"
	FeatureBarrierSync   = "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE"
	FeatureBarrierRseq   = "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ"
	FeaturePidfdGetfd    = "pidfd_getfd"
	FeatureTimerfdTicks  = "TFD_IOC_SET_TICKS"
	FeatureFsopen        = "fsopen"
	FeaturePIDNamespace  = "pid namespaces"
	FeatureUTSNamespace  = "uts namespaces"
	FeatureIPCNamespace  = "ipc namespaces"
	FeatureUserNamespace = "user namespaces"
)

// A feature is something that not every kernel has.
type feature struct {
	name, since string
	// needs finds what the image needs it for.
	needs func(*check) (validate.Subject, bool)
	// code is that of its absence.
	code string
}

// features are all features.
var features = []feature{
	{name: FeatureSetTID, since: "5.5", needs: always},
	{name: FeatureCloseRange, since: "5.9", needs: always},
	{name: FeatureMemfd, since: "3.17", needs: always},
	{name: FeatureMMMap, since: "3.18, built with CONFIG_CHECKPOINT_RESTORE", needs: always},
	{name: FeatureRseq, since: "4.18", needs: anyTask(func(t *format.Task) bool { return t.Rseq != nil })},
	{name: FeatureMseal, since: "6.10", needs: anyMemory(func(mm *format.AddressSpace) bool {
		return slices.ContainsFunc(mm.VMAs, func(v format.VMA) bool { return v.Flags&format.VMASealed != 0 && !v.Special() })
	})},
	{name: FeatureMDWE, since: "6.3", needs: anyMemory(func(mm *format.AddressSpace) bool { return mm.MDWE != 0 })},
	{name: FeatureMerge, since: "6.4", needs: anyMemory(func(mm *format.AddressSpace) bool { return mm.MergeAny })},
	{name: FeatureTHPAdvised, since: "6.18", needs: anyMemory(func(mm *format.AddressSpace) bool { return mm.THPAdvised })},
	{name: FeatureGuard, since: "6.13", needs: anyMemory(func(mm *format.AddressSpace) bool { return len(mm.Guards) > 0 })},
	{
		name: FeatureNoCPUID, since: "4.12, on a processor that has it", code: validate.CodeCPUFeature,
		needs: anyTask(func(t *format.Task) bool { return t.NoCPUID }),
	},
	{name: FeatureBarrierGlobal, since: "4.16, built with CONFIG_MEMBARRIER", needs: registered(format.MembarrierGlobal)},
	{name: FeatureBarrier, since: "4.14, built with CONFIG_MEMBARRIER", needs: registered(format.MembarrierPrivate)},
	{name: FeatureBarrierSync, since: "4.16, built with CONFIG_MEMBARRIER", needs: registered(format.MembarrierSyncCore)},
	{name: FeatureBarrierRseq, since: "5.10, built with CONFIG_RSEQ", needs: registered(format.MembarrierRseq)},
	{name: FeaturePidfdGetfd, since: "5.6", needs: anyFile(func(f *format.OpenFile) bool { return f.Unix != nil })},
	{name: FeatureTimerfdTicks, since: "3.17, built with CONFIG_CHECKPOINT_RESTORE", needs: anyFile(func(f *format.OpenFile) bool {
		return f.Timerfd != nil && f.Timerfd.Ticks != 0
	})},
	{name: FeatureFsopen, since: "5.2", needs: anyTask(func(t *format.Task) bool { return t.State == format.Zombie && t.Status.Core() })},
	{name: FeaturePIDNamespace, since: "2.6.24", needs: func(c *check) (validate.Subject, bool) { return validate.Subject{}, c.opts.PIDNamespace }},
	{name: FeatureUTSNamespace, since: "2.6.19", needs: hasNamespace(format.NSUTS)},
	{name: FeatureIPCNamespace, since: "2.6.19", needs: hasNamespace(format.NSIPC)},
	{name: FeatureUserNamespace, since: "3.8", needs: func(c *check) (validate.Subject, bool) { return validate.Subject{}, c.userNS }},
}

// Features are the names of what kernels are asked for, but for options of
// sockets.
func Features() []string {
	names := make([]string, len(features))
	for i := range features {
		names[i] = features[i].name
	}
	return names
}

func always(*check) (validate.Subject, bool) { return validate.Subject{}, true }

func anyTask(has func(*format.Task) bool) func(*check) (validate.Subject, bool) {
	return func(c *check) (validate.Subject, bool) {
		for i := range c.img.Tasks {
			if t := &c.img.Tasks[i]; has(t) {
				return validate.TaskSubject(t.TID), true
			}
		}
		return validate.Subject{}, false
	}
}

func anyMemory(has func(*format.AddressSpace) bool) func(*check) (validate.Subject, bool) {
	return func(c *check) (validate.Subject, bool) {
		for i := range c.img.Objects.Memories {
			if mm := &c.img.Objects.Memories[i]; has(mm) {
				return validate.ObjectSubject(mm.ID), true
			}
		}
		return validate.Subject{}, false
	}
}

func registered(kind format.Membarriers) func(*check) (validate.Subject, bool) {
	return anyMemory(func(mm *format.AddressSpace) bool { return mm.Membarriers&kind != 0 })
}

func anyFile(has func(*format.OpenFile) bool) func(*check) (validate.Subject, bool) {
	return func(c *check) (validate.Subject, bool) {
		for i := range c.img.Objects.Files {
			if f := &c.img.Objects.Files[i]; has(f) {
				return validate.ObjectSubject(f.ID), true
			}
		}
		return validate.Subject{}, false
	}
}

func hasNamespace(kind format.NamespaceKind) func(*check) (validate.Subject, bool) {
	return func(c *check) (validate.Subject, bool) {
		n := rootNamespace(c.img, kind)
		if n == nil {
			return validate.Subject{}, false
		}
		return validate.ObjectSubject(n.ID), true
	}
}

// kernel asks for the features of the kernel that the image needs.
func (c *check) kernel() {
	for i := range features {
		f := &features[i]
		if s, needed := f.needs(c); needed {
			c.demand(f.name, " (Linux "+f.since+")", f.code, s)
		}
	}
	c.socketOptions()
}

// demand asks for one feature.
func (c *check) demand(name, since, code string, s validate.Subject) {
	switch a := c.m.feature(name); a.Is {
	case Yes:
	case No:
		if code == "" {
			code = validate.CodeKernelFeature
		}
		c.add(code, s, "%s%s is not there: %.120s", name, since, quiet(a.Why))
	default:
		c.add(validate.CodeFeatureUnknown, s, "%s%s: %.120s", name, since, quiet(a.Why))
	}
}

// SocketOption is the name of the feature that is an option of unix sockets.
func SocketOption(level, name int32) string { return fmt.Sprintf("socket option %d:%d", level, name) }

// maxOptions bounds how many options of sockets are asked for.
const maxOptions = 64

// socketOptions asks for the options that the image's sockets have.
func (c *check) socketOptions() {
	seen := map[string]bool{}
	for i := range c.img.Objects.Files {
		u := c.img.Objects.Files[i].Unix
		if u == nil {
			continue
		}
		for _, o := range u.Options {
			name := SocketOption(o.Level, o.Name)
			if !seen[name] && len(seen) < maxOptions {
				seen[name] = true
				c.demand(name, "", "", validate.ObjectSubject(c.img.Objects.Files[i].ID))
			}
		}
	}
}
