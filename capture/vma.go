package capture

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/abi"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// vmFlags are the flags of smaps that the model has.
var vmFlags = []struct {
	name string
	flag format.VMAFlags
}{
	{"gd", format.VMAGrowsDown},
	{"lo", format.VMALocked},
	{"lf", format.VMALockOnFault},
	{"hg", format.VMAHuge},
	{"nh", format.VMANoHuge},
	{"dc", format.VMADontFork},
	{"dd", format.VMADontDump},
	{"wf", format.VMAWipeOnFork},
	{"sr", format.VMASequential},
	{"rr", format.VMARandom},
	{"mg", format.VMAMergeable},
	{"nr", format.VMANoReserve},
	{"sl", format.VMASealed},
	{"ht", format.VMAHugeTLB},
	{"um", format.VMAUffdMissing},
	{"uw", format.VMAUffdWP},
	{"io", format.VMAIO},
	{"pf", format.VMAPFNMap},
	{"ac", format.VMAAccount},
	{"sf", format.VMASync},
	{"ss", format.VMAShadowStack},
}

// refusedFlags are those that cannot be captured, but for the kernel's own
// areas.
var refusedFlags = []struct{ name, code, what string }{
	{"ht", validate.CodeHugeTLB, "reserved huge pages"},
	{"io", validate.CodeDeviceMemory, "device memory"},
	{"pf", validate.CodeDeviceMemory, "device memory"},
	{"um", validate.CodeUserfaultfd, "memory under userfaultfd"},
	{"uw", validate.CodeUserfaultfd, "memory under userfaultfd"},
	{"ui", validate.CodeUserfaultfd, "memory under userfaultfd"},
	{"sf", validate.CodeDAX, "synchronous persistent memory"},
	{"ss", validate.CodeShadowStack, "a shadow stack"},
}

// specialAreas are areas that the kernel names in brackets.
var specialAreas = map[string]format.VMAKind{
	"[vdso]": format.VMAVDSO, "[vvar]": format.VMAVVar, "[vvar_vclock]": format.VMAVVar,
	"[vsyscall]": format.VMAVSyscall, "[heap]": format.VMAHeap, "[stack]": format.VMAStack,
}

// unnamedFlag stands in smaps for flags that the kernel has no name for. On
// older kernels MLOCK_ONFAULT is the one that memory can have.
const unnamedFlag = "??"

// namesLockOnFault says whether this kernel's smaps has a name for it.
var namesLockOnFault = sync.OnceValue(func() bool {
	b, err := sys.MapAnon(format.PageSize)
	if err != nil {
		return false
	}
	defer sys.Unmap(b) //nolint:errcheck // a mapping of our own
	if err := sys.LockOnFault(b); err != nil {
		return false
	}
	var r procfs.Reader
	maps, err := r.Smaps(os.Getpid())
	return err == nil && slices.ContainsFunc(maps, func(m procfs.Map) bool { return m.Has("lf") })
})

// readVMA turns one area of smaps into the model's form.
func (c *capturer) readVMA(t *task, m *procfs.Map) (format.VMA, error) {
	v := format.VMA{
		Start: format.Addr(m.Start), End: format.Addr(m.End), Kind: format.VMAAnon, SharedMap: m.Shared,
	}
	for i, on := range []bool{m.Read, m.Write, m.Exec} {
		if on {
			v.Prot |= 1 << i
		}
	}
	for _, f := range vmFlags {
		if m.Has(f.name) {
			v.Flags |= f.flag
		}
	}
	if m.Has(unnamedFlag) && m.Has("lo") && !namesLockOnFault() {
		v.Flags |= format.VMALockOnFault
	}
	kind, special := specialAreas[m.Path]
	switch {
	case special:
		v.Kind, v.Name = kind, m.Path
	case strings.HasPrefix(m.Path, "[anon"):
		v.Name = m.Path
		return v, c.readBacked(t, m, &v)
	case m.Path != "" || m.Inode != 0:
		return v, c.readBacked(t, m, &v)
	case m.Has("gd"):
		v.Kind = format.VMAStack
	}
	c.checkFlags(t, m, &v)
	return v, nil
}

// readBacked reads what is behind an area that a file backs.
func (c *capturer) readBacked(t *task, m *procfs.Map, v *format.VMA) error {
	if m.Inode == 0 && m.Major == 0 && m.Minor == 0 && (m.Path == "" || strings.HasPrefix(m.Path, "[anon:")) {
		c.checkFlags(t, m, v)
		return nil
	}
	if isSegment(m) {
		c.checkFlags(t, m, v)
		v.Kind, v.Offset = format.VMAShared, m.Offset
		var err error
		v.Shared, err = c.attachedSegment(t, m)
		return err
	}
	if m.Path == "/[aio]" {
		c.refuse(validate.CodeAIO, t.tid, "a ring of io_setup is mapped at %#x", m.Start)
		return nil
	}
	if m.Inode == 0 && strings.HasPrefix(m.Path, "[") {
		c.refuse(validate.CodeDeviceMemory, t.tid, "the kernel's area %s is mapped at %#x", m.Path, m.Start)
		return nil
	}
	if strings.HasPrefix(m.Path, "/secretmem") {
		c.refuse(validate.CodeOtherFile, t.tid, "memory of memfd_secret is mapped at %#x", m.Start)
		return nil
	}
	c.checkFlags(t, m, v)
	v.Offset = m.Offset
	if isShmemMap(m) {
		v.Kind = format.VMAShared
		var err error
		v.Shared, err = c.mappedShared(t, m)
		return err
	}
	link, st, err := c.mappedFile(t.tid, m)
	if errors.Is(err, errNoMapFiles) {
		c.refuse(validate.CodePermission, t.tid, "what is mapped at %#x, %q, can be read only with CAP_CHECKPOINT_RESTORE", m.Start, m.Path)
		return nil
	}
	if err != nil {
		return err
	}
	v.Kind = format.VMAFile
	switch st.Mode & sys.ModeType {
	case sys.ModeRegular:
	case sys.ModeChar:
		if sys.Major(st.Rdev) != abi.MajorMem || sys.Minor(st.Rdev) != minorZero {
			c.refuse(validate.CodeDeviceMemory, t.tid, "device %q is mapped at %#x", m.Path, m.Start)
		}
	default:
		c.refuse(validate.CodeDeviceMemory, t.tid, "%q, which is no regular file, is mapped at %#x", m.Path, m.Start)
		return nil
	}
	c.readable.mapped(link, st, m)
	v.File, err = c.fileRef(link, mapPath(m), st, t.tid, wantBuildID)
	return err
}

// mapPath is the path of a mapped file as links of /proc show it.
func mapPath(m *procfs.Map) string {
	if m.Deleted {
		return m.Path + deletedSuffix
	}
	return m.Path
}

var errNoMapFiles = errors.New("map_files is not to be read")

// mapFilesLink is the link by which the file behind an area can be opened.
func mapFilesLink(tid int, m *procfs.Map) string {
	return procfs.Path(tid, "map_files/"+strconv.FormatUint(m.Start, 16)+"-"+strconv.FormatUint(m.End, 16))
}

// statMapFiles looks at a mapped file; EPERM, without CAP_CHECKPOINT_RESTORE,
// holds for all.
func (c *capturer) statMapFiles(link string) (sys.FileInfo, error) {
	if c.opts.noMapFiles {
		return sys.FileInfo{}, sys.EPERM
	}
	return sys.Stat(link)
}

// mappedFile finds the file behind an area: by map_files, or without the
// capability for that by its path, if what lies there is the same file.
func (c *capturer) mappedFile(tid int, m *procfs.Map) (string, sys.FileInfo, error) {
	link := mapFilesLink(tid, m)
	st, err := c.statMapFiles(link)
	if !errors.Is(err, sys.EPERM) {
		return link, st, err
	}
	link = procfs.Path(tid, "root") + m.Path
	st, err = sys.Stat(link)
	if m.Deleted || err != nil || st.Ino != m.Inode {
		return "", st, errNoMapFiles
	}
	return link, st, nil
}

// mappedShared finds the shared memory behind an area: by map_files, or without
// the capability for that where it is mapped.
func (c *capturer) mappedShared(t *task, m *procfs.Map) (format.ObjectID, error) {
	link := mapFilesLink(t.tid, m)
	st, err := c.statMapFiles(link)
	if errors.Is(err, sys.EPERM) {
		return c.mappedMemory(m, t.tid), nil
	}
	if err != nil {
		return 0, err
	}
	return c.sharedMemory(link, m.Path, st, t.tid)
}

// minorZero is /dev/zero, whose private mappings are ordinary memory.
const minorZero = 5

// isShmemMap says whether the area shows memory without a path: shared
// anonymous memory, whose file the kernel calls /dev/zero, or a memfd.
func isShmemMap(m *procfs.Map) bool {
	if strings.HasPrefix(m.Path, "[anon_shmem:") {
		return true
	}
	return m.Deleted && (m.Path == "/dev/zero" || strings.HasPrefix(m.Path, "/memfd:"))
}

func (c *capturer) checkFlags(t *task, m *procfs.Map, v *format.VMA) {
	if v.Special() {
		return
	}
	for _, f := range refusedFlags {
		if m.Has(f.name) {
			c.refuse(f.code, t.tid, "%s at %#x-%#x %s", f.what, m.Start, m.End, m.Path)
			break
		}
	}
	if m.ProtectionKey != 0 {
		c.refuse(validate.CodeProtectionKey, t.tid, "memory at %#x-%#x has protection key %d", m.Start, m.End, m.ProtectionKey)
	}
}
