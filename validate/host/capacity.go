package host

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// Settings are the names of the settings that checks may ask for.
func Settings() []string { return slices.Clone(settings) }

// settings are what checks may ask for, for facts that are made without an
// image.
var settings = []string{
	"fs.epoll.max_user_watches", "fs.nr_open", "fs.pipe-max-size", "fs.pipe-user-pages-hard", "fs.pipe-user-pages-soft", "kernel.core_pattern", "kernel.pid_max", "kernel.threads-max", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
	"kernel.shm_next_id", "kernel.sem_next_id", "kernel.msg_next_id", "kernel.yama.ptrace_scope",
	"kernel.unprivileged_userns_clone", "kernel.apparmor_restrict_unprivileged_userns", "net.core.rmem_max", "net.core.wmem_max", "net.unix.max_dgram_qlen",
	"user.max_pid_namespaces", "user.max_user_namespaces", "user.max_uts_namespaces", "user.max_ipc_namespaces",
	"user.max_mnt_namespaces", "vm.max_map_count", "vm.mmap_min_addr", "vm.overcommit_memory",
}

// UserEnd4 is where addresses end with four levels of page tables, UserEnd5 with
// five (Documentation/arch/x86/x86_64/5level-paging.rst).
const (
	UserEnd4 = 1 << 47
	UserEnd5 = 1 << 56
)

// engineMaps is how many mappings the engine has besides the image's.
const engineMaps = 8

// capacity asks whether this machine has enough of everything but memory.
func (c *check) capacity() {
	if size := c.img.Provenance.PageSize; size != 0 && c.m.facts.PageSize != 0 && size != c.m.facts.PageSize {
		c.add(validate.CodeHostPageSize, validate.Subject{}, "pages of %d bytes, here of %d", size, c.m.facts.PageSize)
	}
	c.namespaces()
	c.processors()
	c.descriptors()
	executable := map[string]bool{}
	for i := range c.img.Objects.Memories {
		mm := &c.img.Objects.Memories[i]
		c.mappings(mm)
		c.executable(mm, executable)
	}
}

// namespaces asks whether the wanted namespaces may be made.
func (c *check) namespaces() {
	for _, n := range []struct {
		setting string
		wanted  bool
	}{
		{"user.max_pid_namespaces", c.opts.PIDNamespace},
		{"user.max_user_namespaces", c.userNS},
		{"user.max_mnt_namespaces", c.opts.PIDNamespace && !c.opts.Brief},
		{"user.max_uts_namespaces", !c.opts.Brief && rootNamespace(c.img, format.NSUTS) != nil},
		{"user.max_ipc_namespaces", !c.opts.Brief && rootNamespace(c.img, format.NSIPC) != nil},
	} {
		if n.wanted {
			c.forbids(n.setting, "0")
		}
	}
	if c.userNS && !c.opts.Brief {
		c.forbids("kernel.unprivileged_userns_clone", "0")
		c.forbids("kernel.apparmor_restrict_unprivileged_userns", "1")
	}
	if !c.userNS || !c.mountsProc() {
		return
	}
	switch why := c.m.need(SectionProc).Rights.ProcCovered; {
	case why == nil:
		c.wonder("whether a user namespace can have a /proc of its own")
	case *why != "":
		c.add(validate.CodePIDNamespaceNo, validate.Subject{}, "it cannot have a /proc of its own: %.120s", quiet(*why))
	}
}

// mountsProc says whether a restore into a pid namespace mounts /proc anew: not if
// the tree had one of its own already, and the /proc of another.
func (c *check) mountsProc() bool {
	ns := rootNamespace(c.img, format.NSMount)
	if ns == nil {
		return rootNamespace(c.img, format.NSPid) == nil
	}
	return slices.ContainsFunc(ns.Mounts, func(m format.Mount) bool { return m.External == "" && m.Type == "proc" })
}

// forbids says that a setting forbids namespaces if it has that value.
func (c *check) forbids(setting, value string) {
	switch v, known := c.m.Setting(setting); {
	case !known:
		c.wonder("whether namespaces may be made (%s)", setting)
	case strings.TrimSpace(v) == value:
		c.add(validate.CodePIDNamespaceNo, validate.Subject{}, "%s is %s", setting, value)
	}
}

// processors asks whether those that tasks are bound to are there.
func (c *check) processors() {
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.Sched == nil || len(t.Sched.Affinity) == 0 {
			continue
		}
		p := c.m.processor()
		if p == nil || len(p.Online) == 0 {
			c.wonder("which processors there are")
			return
		}
		for w, mask := range t.Sched.Affinity {
			here := uint64(0)
			if w < len(p.Online) {
				here = p.Online[w]
			}
			if lacks := mask &^ here; lacks != 0 {
				c.add(validate.CodeAffinity, validate.TaskSubject(t.TID), "the processors %#x<<%d are not there", lacks, 64*w)
				break
			}
		}
	}
}

// descriptors asks whether the kernel gives numbers as high as those needed.
func (c *check) descriptors() {
	most, ok := c.m.number("fs.nr_open")
	for i := range c.img.Objects.FileTables {
		table := &c.img.Objects.FileTables[i]
		if n := len(table.Entries); ok && n > 0 && uint64(table.Entries[n-1].FD) >= most {
			c.add(validate.CodeOpenFiles, validate.ObjectSubject(table.ID), "descriptor %d, fs.nr_open is %d", table.Entries[n-1].FD, most)
		}
	}
}

// mappings asks whether an address space can have as many areas, and where they
// lie.
func (c *check) mappings(mm *format.AddressSpace) {
	subject := validate.ObjectSubject(mm.ID)
	if most, ok := c.m.number("vm.max_map_count"); ok && uint64(len(mm.VMAs)+engineMaps) > most {
		c.add(validate.CodeMapCount, subject, "%d mappings, vm.max_map_count is %d", len(mm.VMAs), most)
	}
	const ordinary = 1 << 16 // below, vm.mmap_min_addr may be in the way
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		if v.Start < ordinary && !v.Special() {
			if least, ok := c.m.number("vm.mmap_min_addr"); ok && uint64(v.Start) < least {
				c.add(validate.CodeAddressRange, subject, "memory at %s, vm.mmap_min_addr is %#x", v.Start, least)
			}
		}
		if v.Kind == format.VMAVSyscall || uint64(v.End) <= UserEnd4 {
			continue
		}
		p := c.m.processor(SectionUserEnd)
		if p == nil || p.UserEnd == 0 {
			c.wonder("where addresses end")
			return
		}
		if uint64(v.End) > p.UserEnd {
			c.add(validate.CodeAddressRange, subject, "memory at %s-%s, addresses end at %#x", v.Start, v.End, p.UserEnd)
			return
		}
	}
}

// memoryNeeds asks whether there is memory for the image's pages.
func (c *check) memoryNeeds() error {
	m := c.m.need(SectionMemory).Memory
	c.commitment(m)
	c.taskLimits(m)
	c.sizes()
	if c.opts.MapMemory {
		return nil
	}
	need, err := c.bytes(c.ctx)
	if err != nil {
		return err
	}
	switch {
	case m == nil || m.Available == 0:
		c.wonder("how much memory is available")
	case need > m.Available:
		c.add(validate.CodeHostMemory, validate.Subject{}, "%s are needed, %s are available", amount(need), amount(m.Available))
	}
	// What a group uses is in part caches that go when there is need.
	if g := c.m.need(SectionCgroups).Cgroups; !c.opts.Brief && g != nil && g.Memory != nil && need > *g.Memory {
		c.add(validate.CodeCgroupMemory, validate.Subject{}, "%s are needed, the control group allows %s more", amount(need), amount(*g.Memory))
	}
	return nil
}

// amount says in words how much memory there is.
func amount(n uint64) string {
	if n < 10<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// commitment asks whether the kernel promises as much memory as is mapped.
func (c *check) commitment(m *Memory) {
	const strict = "2" // OVERCOMMIT_NEVER
	if v, _ := c.m.Setting("vm.overcommit_memory"); strings.TrimSpace(v) != strict || m == nil || m.CommitLimit == 0 {
		return
	}
	var sum uint64
	for i := range c.img.Objects.Memories {
		for j := range c.img.Objects.Memories[i].VMAs {
			v := &c.img.Objects.Memories[i].VMAs[j]
			if v.Private() && v.Prot&format.ProtWrite != 0 && v.Flags&format.VMANoReserve == 0 && v.End > v.Start {
				sum += uint64(v.End - v.Start)
			}
		}
	}
	if left := m.CommitLimit - min(m.Committed, m.CommitLimit); sum > left {
		c.add(validate.CodeCommitLimit, validate.Subject{}, "%s are mapped, %s are left to promise", amount(sum), amount(left))
	}
}

// taskLimits asks whether there may be as many tasks.
func (c *check) taskLimits(m *Memory) {
	need := uint64(len(c.img.Tasks))
	const text = "%d tasks are needed, %s allows %d more"
	if g := c.m.need(SectionCgroups).Cgroups; g == nil {
		c.wonder("the limits of the control group")
	} else if g.Tasks != nil && need > *g.Tasks {
		c.add(validate.CodeTaskLimit, validate.Subject{}, text, need, "the control group", *g.Tasks)
	}
	if most, ok := c.m.number("kernel.threads-max"); ok && m != nil && need > most-min(m.Tasks, most) {
		c.add(validate.CodeTaskLimit, validate.Subject{}, text, need, "kernel.threads-max", most-min(m.Tasks, most))
	}
	if l, ok := c.limits[rlimitNproc]; ok && c.rights.EUID != 0 && !c.rights.EverywhereHas(capSysAdmin) &&
		!c.rights.EverywhereHas(CapSysResource) && need > l.Soft {
		c.add(validate.CodeTaskLimit, validate.Subject{}, text, need, "RLIMIT_NPROC", l.Soft)
	}
}

// bytes adds up the pages that the image holds, without those of zeroes, once.
func (c *Checker) bytes(ctx context.Context) (uint64, error) {
	if c.img.Pages == nil || c.counted {
		return c.pages, nil
	}
	var ids []format.ObjectID
	for i := range c.img.Objects.Memories {
		ids = append(ids, c.img.Objects.Memories[i].ID)
	}
	for i := range c.img.Objects.Shared {
		ids = append(ids, c.img.Objects.Shared[i].ID)
	}
	var pages uint64
	for _, id := range ids {
		for run, err := range c.img.Pages.Runs(ctx, id) {
			if err != nil {
				return 0, err
			}
			if !run.Zero {
				pages += run.Count
			}
		}
	}
	c.pages, c.counted = pages*format.PageSize, true
	return c.pages, nil
}
