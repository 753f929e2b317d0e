package host

import (
	"slices"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// surroundings asks what a restore does not ask because it either finds out in
// time or does without: what confines it, and what the tree would meet.
func (c *check) surroundings() {
	c.programs()
	c.confinement()
	c.controlGroups()
	c.mounts()
}

// tracing asks whether Yama lets the engine trace the tasks that it makes
// (Documentation/admin-guide/LSM/Yama.rst).
func (c *check) tracing() {
	const withCapability, never = "2", "3"
	v, known := c.m.Setting("kernel.yama.ptrace_scope")
	v = strings.TrimSpace(v)
	switch {
	case !known:
		c.wonder("whether tracing is restricted (kernel.yama.ptrace_scope)")
	case v == never:
		c.add(validate.CodeTracing, validate.Subject{}, "kernel.yama.ptrace_scope is 3, which allows nobody to trace")
	case v == withCapability && c.rights != nil && !c.rights.has(capSysPtrace):
		c.add(validate.CodeTracing, validate.Subject{}, "kernel.yama.ptrace_scope is 2, and the program lacks CAP_SYS_PTRACE")
	}
}

// confinement asks what else has a say in what the restore and the tree may do.
func (c *check) confinement() {
	s := c.m.need(SectionSecurity).Security
	if s == nil {
		c.wonder("which security modules are active")
		return
	}
	label := strings.TrimRight(s.Label, "\x00\n ")
	if s.Enforcing {
		c.add(validate.CodeConfined, validate.Subject{}, "SELinux enforces its policy; the tree would run as %.120q", label)
	} else if label != "" && label != "unconfined" && slices.Contains(s.Modules, "apparmor") {
		c.add(validate.CodeConfined, validate.Subject{}, "the tree would run under the AppArmor profile %.120q", label)
	}
	if s.Seccomp {
		c.add(validate.CodeConfined, validate.Subject{}, "the program is under a filter of system calls, which the tree would inherit")
	}
}

// controlGroups asks for the hierarchies and controllers that the image names.
func (c *check) controlGroups() {
	for i := range c.img.Objects.Cgroups {
		g := &c.img.Objects.Cgroups[i]
		here := c.m.need(SectionCgroups).Cgroups
		if here == nil {
			c.wonder("which control groups there are")
			return
		}
		for _, p := range g.Paths {
			switch {
			case p.Controllers == "" && !here.Unified:
				c.add(validate.CodeCgroupMissing, validate.ObjectSubject(g.ID), "control groups of version 2 are not mounted")
			case p.Controllers != "" && !slices.Contains(here.Legacy, p.Controllers):
				c.add(validate.CodeCgroupMissing, validate.ObjectSubject(g.ID), "there is no hierarchy of %.60q", p.Controllers)
			}
			c.controllers(g.ID, &p, here)
		}
	}
}

// controllers asks for those whose settings the image has.
func (c *check) controllers(id format.ObjectID, p *format.CgroupPath, here *Cgroups) {
	if p.Controllers != "" {
		return
	}
	asked := map[string]bool{"cgroup": true}
	for _, s := range p.Settings {
		name, _, _ := strings.Cut(s.Name, ".")
		if !asked[name] && !slices.Contains(here.Controllers, name) {
			c.add(validate.CodeCgroupMissing, validate.ObjectSubject(id), "the controller %.40q is not enabled", name)
		}
		asked[name] = true
	}
}

// mounts asks for the types of file systems and the places outside that the
// image's mounts are of.
func (c *check) mounts() {
	ns := rootNamespace(c.img, format.NSMount)
	if ns == nil {
		return
	}
	asked, places := map[string]bool{}, map[string]bool{}
	for i := range ns.Mounts {
		m := &ns.Mounts[i]
		if m.External != "" && strings.HasPrefix(m.External, "/") && !places[m.External] {
			places[m.External] = true
			c.stat(format.FileRef{Path: m.External}, ns.ID)
		}
		if asked[m.Type] || m.External != "" || m.Type == "" {
			continue
		}
		asked[m.Type] = true
		known := c.m.need(SectionFilesystems).Filesystems
		switch {
		case known == nil:
			c.wonder("which file systems this kernel knows")
		case !slices.Contains(known, m.Type):
			c.add(validate.CodeFilesystem, validate.Subject{Object: ns.ID, File: m.Point}, "%.40q: there may be a module for it", m.Type)
		}
	}
}
