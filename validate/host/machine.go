package host

import (
	"context"
	"slices"
	"strconv"

	"github.com/thaw-cr/thaw/format"
)

// Section is a part of facts that is found out at once.
type Section string

// The sections, named as their fields are in JSON.
const (
	SectionProcessor   Section = "processor"
	SectionComponents  Section = "processor.components"
	SectionAskable     Section = "processor.askable"
	SectionUserEnd     Section = "processor.user_end"
	SectionVDSO        Section = "vdso"
	SectionRights      Section = "rights"
	SectionOOM         Section = "rights.oom"
	SectionProc        Section = "rights.proc_covered"
	SectionMemory      Section = "memory"
	SectionCgroups     Section = "cgroups"
	SectionSecurity    Section = "security"
	SectionSysV        Section = "sysv"
	SectionTerminal    Section = "terminal"
	SectionFilesystems Section = "filesystems"
	SectionAbstract    Section = "abstract_names"
	SectionNumbers     Section = "numbers"
)

// Sections lists all but the numbers, which go stale at once.
func Sections() []Section {
	return []Section{
		SectionProcessor, SectionComponents, SectionAskable, SectionUserEnd, SectionVDSO, SectionRights, SectionOOM, SectionProc, SectionMemory, SectionCgroups, SectionSecurity, SectionSysV,
		SectionTerminal, SectionFilesystems, SectionAbstract,
	}
}

// Aspect is what may be asked of a file beyond stat(2).
type Aspect uint8

// The aspects, named as the fields of File.
const (
	AspectRead Aspect = iota
	AspectWrite
	AspectSearch
	AspectNoExec
	AspectDirect
	AspectBuildID
	AspectBound
	AspectLocks
)

// A Source finds out what facts do not tell. It creates nothing.
type Source interface {
	// Section fills in a section, or leaves it if it cannot be known. Parts of
	// the processor and of rights are asked for only when these are there.
	Section(f *Facts, s Section)
	// Setting reads a setting of /proc/sys by its dotted name; empty if there is
	// none.
	Setting(name string) (value string, known bool)
	// Feature asks the kernel.
	Feature(name string) Answer
	// File looks at a path, and Look at more of a file that is there.
	File(path string, noFollow bool) File
	Look(f *File, a Aspect)
	// Digest fills in the SHA-256 of a regular file, or leaves it if it cannot be
	// known. The error is the context's.
	Digest(ctx context.Context, f *File) error
	// Taken says whether a task has a number, and who; Groups are the numbers of
	// sessions and groups with a process in each, nil if they are not known.
	Taken(pid format.PID) (by string, taken bool)
	Groups() map[format.PID]format.PID
}

// A Machine is facts, completed by a source where there is one. It is for one
// goroutine at a time.
type Machine struct {
	facts  *Facts
	source Source
	files  map[fileKey]int
	// digested are the files whose digest the source was asked for.
	digested map[fileKey]bool
	asked    map[Section]bool
	// numbers are those of the facts, by what has them.
	tasks  map[format.PID]string
	groups map[format.PID]format.PID
	// abstract are the names of the facts.
	abstract map[string]bool
}

type fileKey struct {
	path     string
	noFollow bool
}

// NewMachine makes a machine of facts, which it completes, and a source, which
// may be nil.
func NewMachine(f *Facts, source Source) *Machine {
	m := &Machine{
		facts: f, source: source, files: make(map[fileKey]int, len(f.Files)), digested: map[fileKey]bool{}, asked: map[Section]bool{},
	}
	for i := range f.Files {
		m.files[fileKey{f.Files[i].Path, f.Files[i].NoFollow}] = i
	}
	return m
}

// Facts are what is known by now.
func (m *Machine) Facts() *Facts { return m.facts }

// Gather asks for everything that does not depend on an image.
func (m *Machine) Gather() {
	for _, s := range Sections() {
		m.need(s)
	}
	for _, name := range settings {
		m.Setting(name)
	}
	for _, name := range Features() {
		m.feature(name)
	}
}

// GatherNumbers asks for the numbers in use.
func (m *Machine) GatherNumbers() { m.need(SectionNumbers) }

// need asks the source for a section once.
func (m *Machine) need(s Section) *Facts {
	if m.source != nil && !m.asked[s] && !m.has(s) {
		m.source.Section(m.facts, s)
	}
	m.asked[s] = true
	return m.facts
}

// processor gives the processor with some of its parts; nil if it is not known.
func (m *Machine) processor(parts ...Section) *Processor {
	p := m.need(SectionProcessor).Processor
	for _, s := range parts {
		if p != nil {
			m.need(s)
		}
	}
	return p
}

func (m *Machine) has(s Section) bool {
	f := m.facts
	switch s {
	case SectionProcessor:
		return f.Processor != nil
	case SectionComponents:
		return f.Processor != nil && f.Processor.Components != nil
	case SectionAskable:
		return f.Processor != nil && f.Processor.Askable != nil
	case SectionUserEnd:
		return f.Processor != nil && f.Processor.UserEnd != 0
	case SectionVDSO:
		return f.VDSO != nil
	case SectionRights:
		return f.Rights != nil
	case SectionOOM:
		return f.Rights != nil && f.Rights.OOM != nil
	case SectionProc:
		return f.Rights != nil && f.Rights.ProcCovered != nil
	case SectionMemory:
		return f.Memory != nil
	case SectionCgroups:
		return f.Cgroups != nil
	case SectionSecurity:
		return f.Security != nil
	case SectionSysV:
		return f.SysV != nil
	case SectionTerminal:
		return f.Terminal != nil
	case SectionFilesystems:
		return f.Filesystems != nil
	case SectionAbstract:
		return f.Abstract != nil
	case SectionNumbers:
		return f.Numbers != nil
	}
	return false
}

// Setting gives a setting of /proc/sys, empty if the kernel has none of that
// name; known says whether that is known.
func (m *Machine) Setting(name string) (value string, known bool) {
	if v, ok := m.facts.Settings[name]; ok {
		return v, true
	}
	if m.source == nil {
		return "", false
	}
	v, ok := m.source.Setting(name)
	if !ok {
		return "", false
	}
	if m.facts.Settings == nil {
		m.facts.Settings = map[string]string{}
	}
	m.facts.Settings[name] = v
	return v, true
}

// number gives a setting that is a number; ok says whether there is one.
func (m *Machine) number(name string) (n uint64, ok bool) {
	v, _ := m.Setting(name)
	n, err := strconv.ParseUint(v, 10, 64)
	return n, err == nil
}

// feature asks for a feature of the kernel.
func (m *Machine) feature(name string) Answer {
	if a, ok := m.facts.Features[name]; ok {
		return a
	}
	if m.source == nil {
		return Answer{Is: Unknown, Why: "the facts do not say"}
	}
	a := m.source.Feature(name)
	if m.facts.Features == nil {
		m.facts.Features = map[string]Answer{}
	}
	m.facts.Features[name] = a
	return a
}

// file looks at a path; nil if it is not known what is there. The result is
// good until the next call.
func (m *Machine) file(path string, noFollow bool, aspects ...Aspect) *File {
	k := fileKey{path, noFollow}
	i, ok := m.files[k]
	if !ok {
		if m.source == nil {
			return nil
		}
		i = len(m.facts.Files)
		m.files[k] = i
		m.facts.Files = append(m.facts.Files, m.source.File(path, noFollow))
	}
	f := &m.facts.Files[i]
	for _, a := range aspects {
		if m.source != nil && f.Error == "" && !f.knows(a) {
			m.source.Look(f, a)
		}
	}
	return f
}

// digest gives the SHA-256 of a regular file, empty if it is not known. The source
// is asked once for each file. The error is the context's.
func (m *Machine) digest(ctx context.Context, path string) (Hex, error) {
	f := m.file(path, false)
	if f == nil || f.Error != "" {
		return nil, nil
	}
	if k := (fileKey{path, false}); m.source != nil && len(f.SHA256) == 0 && !m.digested[k] {
		m.digested[k] = true
		if err := m.source.Digest(ctx, f); err != nil {
			return nil, err
		}
	}
	return f.SHA256, nil
}

// DigestFiles asks for the SHA-256 of all regular files that the facts tell of, but
// for those of more than limit bytes.
func (m *Machine) DigestFiles(ctx context.Context, limit uint64) error {
	for i := range m.facts.Files {
		f := &m.facts.Files[i]
		if f.Mode&modeType != modeRegular || f.NoFollow || f.Size > limit {
			continue
		}
		if _, err := m.digest(ctx, f.Path); err != nil {
			return err
		}
	}
	return nil
}

// knows says whether an aspect was asked for already.
func (f *File) knows(a Aspect) bool {
	switch a {
	case AspectRead:
		return f.Read != nil
	case AspectWrite:
		return f.Write != nil
	case AspectSearch:
		return f.Search != nil
	case AspectNoExec:
		return f.NoExec != nil
	case AspectDirect:
		return f.Direct != nil
	case AspectBuildID:
		return f.BuildID != nil
	case AspectBound:
		return f.Bound != nil
	case AspectLocks:
		return f.Locks != nil
	}
	return false
}

// taken says whether a task has a number, as far as that is known (see
// numbersKnown), and who.
func (m *Machine) taken(pid format.PID) (by string, taken bool) {
	if n := m.facts.Numbers; n != nil {
		if m.tasks == nil {
			m.tasks = make(map[format.PID]string, len(n.Tasks))
			for _, t := range n.Tasks {
				m.tasks[t.Number] = t.By
			}
		}
		by, taken = m.tasks[pid]
		return by, taken
	}
	if m.source == nil {
		return "", false
	}
	return m.source.Taken(pid)
}

// livingGroups are the numbers of sessions and groups.
func (m *Machine) livingGroups() map[format.PID]format.PID {
	n := m.facts.Numbers
	switch {
	case m.groups != nil:
	case n != nil:
		m.groups = make(map[format.PID]format.PID, len(n.Groups))
		for _, g := range n.Groups {
			m.groups[g.Number] = g.Process
		}
	case m.source != nil:
		m.groups = m.source.Groups()
	}
	return m.groups
}

// usedName says whether an abstract name is in use; known is false if that is not
// known.
func (m *Machine) usedName(name string) (used, known bool) {
	list := m.need(SectionAbstract).Abstract
	if list == nil {
		return false, false
	}
	if m.abstract == nil {
		m.abstract = make(map[string]bool, len(*list))
		for _, n := range *list {
			m.abstract[n] = true
		}
	}
	return m.abstract[name], true
}

// numbersKnown says whether it is known which numbers are in use.
func (m *Machine) numbersKnown() bool { return m.source != nil || m.facts.Numbers != nil }

// SortFiles orders the files by path, as facts are written.
func (m *Machine) SortFiles() {
	slices.SortFunc(m.facts.Files, func(a, b File) int { return compareFiles(&a, &b) })
	for i := range m.facts.Files {
		m.files[fileKey{m.facts.Files[i].Path, m.facts.Files[i].NoFollow}] = i
	}
}
