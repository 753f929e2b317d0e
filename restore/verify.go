package restore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/procfs"
	"github.com/thaw-cr/thaw/internal/sys"
	"github.com/thaw-cr/thaw/validate"
)

// VerifyError says how the restored tree differs from the image. The tree was
// torn down.
type VerifyError struct {
	Findings []validate.Finding
}

var _ error = (*VerifyError)(nil)

func (e *VerifyError) Error() string {
	s := "the restored tree differs from the image"
	for i, f := range e.Findings {
		if i == 5 {
			return fmt.Sprintf("%s; and %d more", s, len(e.Findings)-5)
		}
		s += "; " + f.Subject.String() + ": " + f.Message
	}
	return s
}

// A verifier compares live tasks with an image, while they stand still.
type verifier struct {
	e        *engine
	proc     procfs.Reader
	findings []validate.Finding
}

// verifiers is how many compare side by side.
const verifiers = 2

// verify compares all tasks. Each verifier takes every other task.
func (e *engine) verify(ctx context.Context) error {
	for _, tid := range e.plan.Order {
		e.hostPID(tid) // so that verifiers only look numbers up
		e.threadCount(e.b.ix.Task(tid))
	}
	var group errgroup.Group
	var all [verifiers]verifier
	for i := range all {
		v := &all[i]
		v.e = e
		group.Go(func() error { return v.run(ctx, i) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	more, err := e.verifySpaces()
	if err != nil {
		return err
	}
	sockets, err := e.verifySockets()
	if err != nil {
		return err
	}
	findings := slices.Concat(all[0].findings, all[1].findings, more, sockets)
	if len(findings) > 0 {
		return &VerifyError{Findings: findings}
	}
	return nil
}

func (v *verifier) run(ctx context.Context, first int) error {
	for i := first; i < len(v.e.plan.Order); i += verifiers {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := v.task(v.e.b.ix.Task(v.e.plan.Order[i])); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) differ(t *format.Task, what string, args ...any) {
	v.findings = append(v.findings, validate.New(validate.CodeVerify, validate.Subject{Task: t.TID}, what, args...))
}

func (v *verifier) task(t *format.Task) error {
	tid := v.e.hostPID(t.TID)
	if tid == 0 {
		v.differ(t, "the task is not there")
		return nil
	}
	if err := v.ids(t, tid); err != nil {
		return err
	}
	if t.State.Dead() {
		return nil
	}
	if err := v.locks(t, tid); err != nil {
		return err
	}
	if v.e.b.owns(t, t.Memory) {
		if err := v.memory(t, tid); err != nil {
			return err
		}
	}
	if v.e.b.owns(t, t.Files) {
		return v.files(t, tid)
	}
	return nil
}

// numbers are a task's ids in the image's numbering.
type numbers struct {
	tgid, ppid, pgid, sid int
}

// ids compares numbers, state, name and wait status.
func (v *verifier) ids(t *format.Task, tid int) error {
	st, err := v.stat(t, tid)
	if err != nil {
		v.differ(t, "the task is not there: %v", err)
		return nil
	}
	got := numbers{int(t.TGID), st.PPID, st.PGID, st.SID}
	if v.e.pidns >= 0 {
		if got, err = v.innerNumbers(tid, st.PPID); err != nil {
			return err
		}
	}
	v.parent(t, got.ppid)
	if !v.outside(t.PGID) && got.pgid != int(t.PGID) {
		v.differ(t, "process group %d, was %d", got.pgid, t.PGID)
	}
	if !v.outside(t.SID) && got.sid != int(t.SID) {
		v.differ(t, "session %d, was %d", got.sid, t.SID)
	}
	if dead := st.State == 'Z'; dead != t.State.Dead() {
		v.differ(t, "state %c, was %s", st.State, t.State)
	}
	if t.State == format.Zombie && st.ExitCode != int(t.Status) {
		v.differ(t, "wait status %#x, was %#x", st.ExitCode, uint16(t.Status))
	}
	if n := v.e.threadCount(t); t.Leader() && n > 0 && st.Threads != n {
		v.differ(t, "%d threads, were %d", st.Threads, n)
	}
	if t.Comm != "" && st.Comm != t.Comm {
		v.differ(t, "name %q, was %q", st.Comm, t.Comm)
	}
	return nil
}

// stat reads a task's state. /proc/TID/stat is found faster but adds up the
// figures of all threads.
func (v *verifier) stat(t *format.Task, tid int) (procfs.Stat, error) {
	if v.e.threadCount(t) > 1 {
		return v.proc.TaskStat(v.e.hostPID(t.TGID), tid)
	}
	return v.proc.Stat(tid)
}

// parent compares parents where the image has the parent; a task whose parent
// is outside has whoever adopts it.
func (v *verifier) parent(t *format.Task, ppid int) {
	if v.e.b.ix.Task(t.PPID) != nil && ppid != int(t.PPID) {
		v.differ(t, "parent %d, was %d", ppid, t.PPID)
	}
}

// outside says whether a session or group is the caller's.
func (v *verifier) outside(id format.PID) bool {
	return id == 0 || v.e.opts.ShellJob && v.e.b.ix.Task(id) == nil
}

// innerNumbers are a task's numbers in its own pid namespace.
func (v *verifier) innerNumbers(tid, parent int) (numbers, error) {
	st, err := v.proc.Status(tid)
	if err != nil {
		return numbers{}, err
	}
	n := numbers{tgid: last(st.NSTGID), pgid: last(st.NSPGID), sid: last(st.NSSID)}
	if p, err := v.proc.Status(parent); err == nil && len(p.NSPID) == len(st.NSPID) {
		n.ppid = last(p.NSPID)
	}
	return n, nil
}

func last(list []int) int {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1]
}

// area is what /proc/PID/maps says of a mapping, as far as it does not depend
// on what the kernel merges.
type area struct {
	start, end uint64
	prot       format.Prot
	shared     bool
	anonymous  bool
}

// memory compares the mappings.
func (v *verifier) memory(t *format.Task, tid int) error {
	maps, err := v.proc.Maps(tid)
	if err != nil {
		return err
	}
	if v.e.b.mapPages {
		return nil // mapped pages are mappings of their own
	}
	got, want := liveAreas(maps), imageAreas(v.e.b.ix.Memory(t.Memory).VMAs)
	if d := firstDifference(got, want); d != "" {
		v.differ(t, "memory differs: %s", d)
	}
	return nil
}

func liveAreas(maps []procfs.Map) []area {
	list := make([]area, 0, len(maps))
	for i := range maps {
		m := &maps[i]
		if strings.HasPrefix(m.Path, "[v") {
			continue
		}
		prot := flag(m.Read, format.ProtRead) | flag(m.Write, format.ProtWrite) | flag(m.Exec, format.ProtExec)
		list = append(list, area{m.Start, m.End, prot, m.Shared, m.Inode == 0 && !m.Shared})
	}
	return merge(list)
}

func flag(has bool, bit format.Prot) format.Prot {
	if has {
		return bit
	}
	return 0
}

func imageAreas(vmas []format.VMA) []area {
	list := make([]area, 0, len(vmas))
	for i := range vmas {
		m := &vmas[i]
		if m.Special() {
			continue
		}
		anonymous := m.Kind != format.VMAFile && m.Kind != format.VMAShared
		list = append(list, area{uint64(m.Start), uint64(m.End), m.Prot, m.SharedMap, anonymous})
	}
	return merge(list)
}

// merge joins neighbours that are alike.
func merge(list []area) []area {
	slices.SortFunc(list, func(a, b area) int { return cmp.Compare(a.start, b.start) })
	out := list[:0]
	for _, a := range list {
		if n := len(out); n > 0 && out[n-1].end == a.start && out[n-1].prot == a.prot &&
			out[n-1].shared == a.shared && out[n-1].anonymous == a.anonymous {
			out[n-1].end = a.end
			continue
		}
		out = append(out, a)
	}
	return out
}

// firstDifference describes where two lists part.
func firstDifference(got, want []area) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "no " + want[i].String()
		case i >= len(want):
			return "unexpected " + got[i].String()
		case got[i] != want[i]:
			return got[i].String() + ", was " + want[i].String()
		}
	}
	return ""
}

func (a area) String() string {
	kind := "private"
	if a.shared {
		kind = "shared"
	}
	return fmt.Sprintf("%x-%x %s %s", a.start, a.end, a.prot, kind)
}

// files compares the descriptors. That each of the image's is there, the calls
// have shown that placed them; so as many are the same ones. Since Linux 6.2 the
// directory's size is their number; it is zero before.
func (v *verifier) files(t *format.Task, tid int) error {
	entries := v.e.b.ix.FileTable(t.Files).Entries
	if st, err := sys.Stat(procfs.Path(tid, "fd")); err == nil && len(entries) > 0 && st.Size == int64(len(entries)) {
		return nil
	}
	got, err := procfs.FDs(tid)
	if err != nil {
		return err
	}
	slices.Sort(got)
	var want []int
	for _, e := range entries {
		want = append(want, int(e.FD))
	}
	if !slices.Equal(got, want) {
		v.differ(t, "descriptors %v, were %v", got, want)
	}
	return nil
}

// threadCount is how many threads a process has in the image; zero for a
// zombie.
func (e *engine) threadCount(t *format.Task) int {
	if e.threads == nil {
		e.threads = map[format.PID]int{}
		for i := range e.req.Image.Tasks {
			if x := &e.req.Image.Tasks[i]; x.State != format.Zombie {
				e.threads[x.TGID]++
			}
		}
	}
	return e.threads[t.TGID]
}
