package hostfacts

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/validate/host"
)

// memory reads what can be had, from /proc/meminfo and /proc/loadavg.
func (s *Source) memory(f *host.Facts) error {
	b, err := s.reader.Read("/proc/meminfo")
	if err != nil {
		return err
	}
	f.Memory = parseMeminfo(string(b))
	if b, err := s.reader.Read("/proc/loadavg"); err == nil {
		f.Memory.Tasks = runningTasks(string(b))
	}
	return nil
}

func parseMeminfo(text string) *host.Memory {
	m := &host.Memory{}
	to := map[string]*uint64{
		"MemAvailable": &m.Available, "SwapFree": &m.Available, "CommitLimit": &m.CommitLimit, "Committed_AS": &m.Committed,
	}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		at := to[name]
		if at == nil {
			continue
		}
		kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err == nil {
			*at += kib << 10
		}
	}
	return m
}

// runningTasks takes the number of tasks out of /proc/loadavg: "0.1 0.2 0.3 1/234 567".
func runningTasks(loadavg string) uint64 {
	words := strings.Fields(loadavg)
	const counts = 3
	if len(words) <= counts {
		return 0
	}
	_, all, _ := strings.Cut(words[counts], "/")
	n, err := strconv.ParseUint(all, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// cgroupRoot is where control groups are mounted.
const cgroupRoot = "/sys/fs/cgroup"

// cgroups reads where this program is in the control groups, and what the groups
// above it leave.
func (s *Source) cgroups(f *host.Facts) error {
	list, err := s.reader.Cgroups(os.Getpid())
	if err != nil {
		return err
	}
	g := &host.Cgroups{}
	for _, c := range list {
		if c.Hierarchy != 0 {
			g.Legacy = append(g.Legacy, c.Controllers)
			legacyLimits(g, c)
			continue
		}
		g.Path = c.Path
		root := unifiedRoot()
		if root == "" {
			continue
		}
		g.Unified = true
		if b, err := os.ReadFile(filepath.Join(root, c.Path, "cgroup.controllers")); err == nil {
			g.Controllers = strings.Fields(string(b))
		}
		unifiedLimits(g, root, c.Path)
	}
	f.Cgroups = g
	return nil
}

// unifiedRoot is where version 2 is mounted; empty if it is not.
func unifiedRoot() string {
	for _, dir := range []string{cgroupRoot, cgroupRoot + "/unified"} {
		if _, err := os.Stat(dir + "/cgroup.controllers"); err == nil {
			return dir
		}
	}
	return ""
}

// unifiedLimits looks at a group of version 2 and all above it.
func unifiedLimits(g *host.Cgroups, root, path string) {
	for dir := filepath.Clean("/" + path); ; dir = filepath.Dir(dir) {
		g.Memory = least(g.Memory, left(filepath.Join(root, dir, "memory.max"), filepath.Join(root, dir, "memory.current")))
		g.Tasks = least(g.Tasks, left(filepath.Join(root, dir, "pids.max"), filepath.Join(root, dir, "pids.current")))
		if dir == "/" {
			return
		}
	}
}

// legacyLimits looks at a group of version 1 and all above it.
func legacyLimits(g *host.Cgroups, c procfs.Cgroup) {
	for controller := range strings.SplitSeq(c.Controllers, ",") {
		root := filepath.Join(cgroupRoot, c.Controllers)
		for dir := filepath.Clean("/" + c.Path); ; dir = filepath.Dir(dir) {
			at := func(name string) string { return filepath.Join(root, dir, name) }
			switch controller {
			case "memory":
				g.Memory = least(g.Memory, left(at("memory.limit_in_bytes"), at("memory.usage_in_bytes")))
			case "pids":
				g.Tasks = least(g.Tasks, left(at("pids.max"), at("pids.current")))
			}
			if dir == "/" {
				break
			}
		}
	}
}

// left is what a limit leaves; nil if there is none.
func left(limit, used string) *uint64 {
	most, err1 := number(limit)
	now, err2 := number(used)
	if err1 != nil || err2 != nil {
		return nil
	}
	n := most - min(most, now)
	return &n
}

func least(a, b *uint64) *uint64 {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}

// number reads a file that holds one; "max" is none.
func number(path string) (uint64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
}

// security reads which modules have a say, and what they say of this program.
func (s *Source) security(f *host.Facts) error {
	st, err := s.reader.Status(os.Getpid())
	if err != nil {
		return err
	}
	v := &host.Security{Modules: []string{}, Seccomp: st.Seccomp != 0}
	switch b, err := os.ReadFile("/sys/kernel/security/lsm"); {
	case err == nil:
		v.Modules = strings.Split(strings.TrimSpace(string(b)), ",")
	case !errors.Is(err, os.ErrNotExist):
		return err
	default:
		// securityfs is not mounted: what the modules show elsewhere.
		for _, m := range [][2]string{{"apparmor", "/sys/module/apparmor"}, {"selinux", "/sys/fs/selinux/enforce"}, {"yama", "/proc/sys/kernel/yama"}} {
			if _, err := os.Stat(m[1]); err == nil {
				v.Modules = append(v.Modules, m[0])
			}
		}
	}
	if b, err := os.ReadFile("/proc/self/attr/current"); err == nil {
		v.Label = strings.TrimRight(string(b), "\x00\n")
	}
	if n, err := number("/sys/fs/selinux/enforce"); err == nil {
		v.Enforcing = n == 1
	}
	f.Security = v
	return nil
}
