// Package hostfacts asks this machine for what package validate/host wants to
// know of one.
//
//	facts, err := hostfacts.New()
//	m := host.NewMachine(facts, &hostfacts.Source{})
//	res, err := host.NewChecker(img).Check(ctx, m, host.Options{})
//
// Everything is asked for when it is needed and not before, and nothing is
// created: kernels are probed with calls that they refuse.
package hostfacts

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"runtime"
	"strings"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/filedigest"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate/host"
)

// New begins facts about this machine.
func New() (*host.Facts, error) {
	kernel, name, err := sys.Release()
	if err != nil {
		return nil, err
	}
	return &host.Facts{
		Version: host.Version, Name: name, Kernel: kernel, Arch: runtime.GOARCH, PageSize: uint32(os.Getpagesize()),
	}, nil
}

// A Source asks this machine. The zero value is ready.
type Source struct {
	// HasTerminal says whether a restore would have a terminal to hand over; nil
	// if that is not known.
	HasTerminal func() bool

	reader   procfs.Reader
	digester filedigest.Digester
	// locks are all that are held, once they were asked for.
	locks     []procfs.Lock
	locksRead bool
}

var _ host.Source = (*Source)(nil)

// sections are the functions that fill in each section; an error leaves it out.
var sections = map[host.Section]func(*Source, *host.Facts) error{
	host.SectionProcessor:   (*Source).processor,
	host.SectionComponents:  (*Source).components,
	host.SectionAskable:     (*Source).askable,
	host.SectionUserEnd:     (*Source).userEnd,
	host.SectionVDSO:        (*Source).vdso,
	host.SectionRights:      (*Source).rights,
	host.SectionOOM:         (*Source).oom,
	host.SectionProc:        (*Source).procCovered,
	host.SectionMemory:      (*Source).memory,
	host.SectionCgroups:     (*Source).cgroups,
	host.SectionSecurity:    (*Source).security,
	host.SectionSysV:        (*Source).sysv,
	host.SectionTerminal:    (*Source).terminal,
	host.SectionFilesystems: (*Source).filesystems,
	host.SectionAbstract:    (*Source).abstract,
	host.SectionNumbers:     (*Source).numbers,
}

// Section fills in a section.
func (s *Source) Section(f *host.Facts, name host.Section) {
	if fill := sections[name]; fill != nil {
		_ = fill(s, f) // what cannot be read stays unknown, and is said so
	}
}

// Setting reads a setting of /proc/sys; empty if there is none.
func (*Source) Setting(name string) (value string, known bool) {
	b, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	return strings.TrimSpace(string(b)), err == nil || errors.Is(err, os.ErrNotExist)
}

var (
	errNoVDSO = errors.New("this kernel gives no vdso")
	// SyscallInsn is the SYSCALL instruction of amd64.
	SyscallInsn = []byte{0x0f, 0x05}
)

// VDSO is this kernel's vdso, with what the engine needs of it besides.
type VDSO struct {
	host.VDSO
	// SyscallInsn is the offset of a system call instruction of amd64 in its
	// code, -1 if there is none.
	SyscallInsn int
}

// ReadVDSO reads the code that the kernel maps into every program. maps are this
// program's.
func ReadVDSO(maps []procfs.Map) (*VDSO, error) {
	parts := Parts(maps)
	var start, size uint64
	for _, p := range parts {
		if p.Kind == format.VMAVDSO {
			start, size = p.Start, p.Size
		}
	}
	if size == 0 {
		return nil, errNoVDSO
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		return nil, err
	}
	defer mem.Close() //nolint:errcheck // only read
	code := make([]byte, size)
	if _, err := mem.ReadAt(code, int64(start)); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(code)
	first := parts[0].Start
	for i := range parts {
		parts[i].Start -= first
	}
	return &VDSO{VDSO: host.VDSO{Digest: sum[:], Layout: format.VDSOLayout(code), Parts: parts}, SyscallInsn: bytes.Index(code, SyscallInsn)}, nil
}

// Parts finds the vdso's mappings in /proc/PID/maps.
func Parts(maps []procfs.Map) []host.Part {
	var parts []host.Part
	for _, m := range maps {
		switch {
		case m.Path == "[vdso]":
			parts = append(parts, host.Part{Kind: format.VMAVDSO, Start: m.Start, Size: m.End - m.Start})
		case strings.HasPrefix(m.Path, "[vvar"):
			parts = append(parts, host.Part{Kind: format.VMAVVar, Start: m.Start, Size: m.End - m.Start})
		}
	}
	return parts
}

func (s *Source) vdso(f *host.Facts) error {
	maps, err := s.reader.Maps(os.Getpid())
	if err != nil {
		return err
	}
	v, err := ReadVDSO(maps)
	if err == nil {
		f.VDSO = &v.VDSO
	}
	return err
}

func (s *Source) terminal(f *host.Facts) error {
	if s.HasTerminal != nil {
		has := s.HasTerminal()
		f.Terminal = &has
	}
	return nil
}

func (s *Source) sysv(f *host.Facts) error {
	v := &host.SysV{Segments: []host.Segment{}}
	there, err := s.reader.SysV("shm")
	if err != nil {
		v.Error = err.Error()
	}
	for _, o := range there {
		v.Segments = append(v.Segments, host.Segment{ID: o.ID, Key: o.Key})
		v.Pages += (o.Size + format.PageSize - 1) / format.PageSize
	}
	f.SysV = v
	return nil
}

// filesystems reads those that the kernel knows, without modules not loaded.
func (*Source) filesystems(f *host.Facts) error {
	b, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		if _, name, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t"); ok {
			f.Filesystems = append(f.Filesystems, name)
		}
	}
	return nil
}

// abstract reads the names of unix sockets that are not paths.
func (*Source) abstract(f *host.Facts) error {
	b, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return err
	}
	names := []string{}
	seen := map[string]bool{}
	for line := range bytes.Lines(b) {
		const columns = 8 // Num RefCount Protocol Flags Type St Inode Path
		name, ok := cutFields(bytes.TrimRight(line, "\n"), columns-1)
		if n := strings.ToValidUTF8(string(name), "?"); ok && strings.HasPrefix(n, "@") && !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	f.Abstract = &names
	return nil
}

// cutFields gives what stands in a line behind n words and a blank.
func cutFields(b []byte, n int) (rest []byte, ok bool) {
	at := 0
	for range n {
		for at < len(b) && b[at] == ' ' {
			at++
		}
		for at < len(b) && b[at] != ' ' {
			at++
		}
	}
	if at >= len(b) {
		return nil, false
	}
	return b[at+1:], true
}

// Taken says whether a task has the number in this pid namespace. A number that
// only a session or group has is taken too, but shows only when it is used.
func Taken(pid format.PID) bool { return !errors.Is(sys.Kill(int(pid), 0), sys.ESRCH) }

// Taken says whether a task has the number, and who.
func (*Source) Taken(pid format.PID) (by string, taken bool) {
	if !Taken(pid) {
		return "", false
	}
	b, err := os.ReadFile(procfs.Path(int(pid), "comm"))
	if err != nil {
		return "", true
	}
	return string(bytes.TrimSpace(b)), true
}

// Groups lists the sessions and groups that exist, each with a process in it.
func (s *Source) Groups() map[format.PID]format.PID {
	all, err := procfs.PIDs()
	if err != nil {
		return nil
	}
	ids := make(map[format.PID]format.PID, 2*len(all))
	for _, p := range all {
		if st, err := s.reader.Stat(p); err == nil {
			ids[format.PID(st.PGID)], ids[format.PID(st.SID)] = format.PID(p), format.PID(p)
		}
	}
	return ids
}
