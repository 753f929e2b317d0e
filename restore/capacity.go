package restore

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// capacity is how much of each thing this machine gives.
type capacity struct {
	pageSize int
	// userEnd gives where the addresses of programs end.
	userEnd func() uint64
	// available is what can be had of memory and swap, in bytes; zero if unknown.
	available uint64
	// maxFDs, maxMaps are fs.nr_open and vm.max_map_count; zero if unknown.
	maxFDs, maxMaps int64
	// pidNamespaces and userNamespaces are how many there may be.
	pidNamespaces, userNamespaces int64
}

// Addresses with four and five levels of page tables
// (Documentation/arch/x86/x86_64/5level-paging.rst).
const (
	userEnd4 = 1 << 47
	userEnd5 = 1 << 56
)

func readCapacity() capacity {
	c := capacity{
		pageSize: os.Getpagesize(), userEnd: readUserEnd,
		maxFDs: sysctl("fs/nr_open"), maxMaps: sysctl("vm/max_map_count"),
		pidNamespaces: sysctl("user/max_pid_namespaces"), userNamespaces: sysctl("user/max_user_namespaces"),
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		c.available = availableMemory(b)
	}
	return c
}

// readUserEnd looks for five levels of page tables, which takes time on machines
// with many processors.
func readUserEnd() uint64 {
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil && bytes.Contains(b, []byte(" la57 ")) {
		return userEnd5
	}
	return userEnd4
}

// noSysctl stands for a number that cannot be read.
const noSysctl = -1

func sysctl(name string) int64 {
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return noSysctl
	}
	v, err := parseInt(strings.TrimSpace(string(b)))
	if err != nil {
		return noSysctl
	}
	return v
}

// availableMemory adds up what /proc/meminfo says is to be had.
func availableMemory(meminfo []byte) uint64 {
	var sum uint64
	for s := bufio.NewScanner(bytes.NewReader(meminfo)); s.Scan(); {
		name, rest, _ := strings.Cut(s.Text(), ":")
		if name != "MemAvailable" && name != "SwapFree" {
			continue
		}
		kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err == nil {
			sum += kib << 10
		}
	}
	return sum
}

// capacity asks whether this machine has enough of everything.
func (c *checker) capacity(ctx context.Context) error {
	h := &c.host.capacity
	if size := c.img.Provenance.PageSize; size != 0 && int(size) != h.pageSize {
		c.add(validate.CodeHostPageSize, validate.Subject{}, "pages of %d bytes, here of %d", size, h.pageSize)
	}
	c.namespaces()
	c.processors()
	c.ids()
	c.descriptors()
	for i := range c.img.Objects.Memories {
		c.mappings(&c.img.Objects.Memories[i])
	}
	if c.opts.MapMemory || h.available == 0 {
		return nil
	}
	need, err := c.bytes(ctx)
	if err == nil && need > h.available {
		c.add(validate.CodeHostMemory, validate.Subject{}, "%d MiB are needed, %d MiB are available", need>>20, h.available>>20)
	}
	return err
}

// namespaces asks whether the wanted namespaces may be made.
func (c *checker) namespaces() {
	if !c.opts.PIDNamespace {
		return
	}
	if c.host.capacity.pidNamespaces == 0 {
		c.add(validate.CodePIDNamespaceNo, validate.Subject{}, "user.max_pid_namespaces is 0")
	}
	if c.host.userNS && c.host.capacity.userNamespaces == 0 {
		c.add(validate.CodePIDNamespaceNo, validate.Subject{}, "user.max_user_namespaces is 0")
	}
}

// processors asks whether those that tasks are bound to are there.
func (c *checker) processors() {
	for i := range c.img.Tasks {
		t := &c.img.Tasks[i]
		if t.Sched == nil {
			continue
		}
		for w, mask := range t.Sched.Affinity {
			here := uint64(0)
			if w < len(c.host.allCPUs) {
				here = c.host.allCPUs[w]
			}
			if lacks := mask &^ here; lacks != 0 {
				c.add(validate.CodeAffinity, validate.Subject{Task: t.TID}, "the processors %#x<<%d are not there", lacks, 64*w)
				break
			}
		}
	}
}

// ids asks whether all users and groups have numbers in the user namespace that
// the engine makes: its own only.
func (c *checker) ids() {
	if !c.host.userNS {
		return
	}
	h := &c.host.creds
	for i := range c.img.Objects.Creds {
		k := &c.img.Objects.Creds[i]
		for _, id := range []uint32{k.UID, k.EUID, k.SUID, k.FSUID} {
			if id != h.EUID {
				c.add(validate.CodeUnmappedID, validate.Subject{Object: k.ID}, "user %d has no number in a namespace of user %d", id, h.EUID)
				return
			}
		}
		for _, id := range []uint32{k.GID, k.EGID, k.SGID, k.FSGID} {
			if id != h.EGID {
				c.add(validate.CodeUnmappedID, validate.Subject{Object: k.ID}, "group %d has no number in a namespace of group %d", id, h.EGID)
				return
			}
		}
	}
}

// descriptors asks whether the kernel gives numbers as high as those needed.
func (c *checker) descriptors() {
	most := c.host.capacity.maxFDs
	for i := range c.img.Objects.FileTables {
		table := &c.img.Objects.FileTables[i]
		if k := len(table.Entries); k > 0 && most > 0 && int64(table.Entries[k-1].FD) >= most {
			c.add(validate.CodeOpenFiles, validate.Subject{Object: table.ID}, "descriptor %d, fs.nr_open is %d", table.Entries[k-1].FD, most)
		}
	}
}

// engineMaps is how many mappings the engine has besides the image's.
const engineMaps = 8

// mappings asks whether an address space can have as many areas, and where they
// lie; and whether what is to be executed may be.
func (c *checker) mappings(mm *format.AddressSpace) {
	h := &c.host.capacity
	subject := validate.Subject{Object: mm.ID}
	if n := int64(len(mm.VMAs)); h.maxMaps > 0 && n+engineMaps > h.maxMaps {
		c.add(validate.CodeMapCount, subject, "%d mappings, vm.max_map_count is %d", n, h.maxMaps)
	}
	asked := map[string]bool{}
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		if v.Kind != format.VMAVSyscall && uint64(v.End) > userEnd4 && uint64(v.End) > h.userEnd() {
			c.add(validate.CodeAddressRange, subject, "memory at %s-%s, addresses end at %#x", v.Start, v.End, h.userEnd())
			return
		}
		path := v.File.Path
		if v.Prot&format.ProtExec == 0 || path == "" || v.File.Deleted != 0 || asked[path] {
			continue
		}
		asked[path] = true
		if c.host.noexec(path) {
			c.add(validate.CodeMountOptions, validate.Subject{Object: mm.ID, File: path}, "it is to be executed and lies on a mount with noexec")
		}
	}
}

// mountNoexec is ST_NOEXEC of statfs(2).
const mountNoexec = 8

// liesNoexec says whether nothing on a file's mount can be executed.
func liesNoexec(path string) bool {
	var st syscall.Statfs_t
	return syscall.Statfs(path, &st) == nil && st.Flags&mountNoexec != 0
}

// bytes adds up the pages that the image holds, without those of zeroes.
func (c *checker) bytes(ctx context.Context) (uint64, error) {
	if c.img.Pages == nil {
		return 0, nil
	}
	var pages uint64
	for _, id := range c.pageObjects() {
		for run, err := range c.img.Pages.Runs(ctx, id) {
			if err != nil {
				return 0, err
			}
			if !run.Zero {
				pages += run.Count
			}
		}
	}
	return pages * pageSize, nil
}

// pageObjects are the objects whose pages become memory.
func (c *checker) pageObjects() []format.ObjectID {
	var ids []format.ObjectID
	for i := range c.img.Objects.Memories {
		ids = append(ids, c.img.Objects.Memories[i].ID)
	}
	for i := range c.img.Objects.Shared {
		ids = append(ids, c.img.Objects.Shared[i].ID)
	}
	return ids
}
