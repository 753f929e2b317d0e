package dump

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/thaw-cr/thaw/format"
)

// ErrNoTask says that the image holds no task of the number asked for.
var ErrNoTask = errors.New("no such task in the image")

// Task prints all that the image holds of one task: its own state, how its
// program was called, its registers, then the memory and files it uses.
func (p *Printer) Task(ctx context.Context, tid format.PID) error {
	t := p.idx.Task(tid)
	if t == nil {
		return fmt.Errorf("task %d: %w", tid, ErrNoTask)
	}
	for _, l := range p.taskLines(t) {
		if l[1] != "" {
			p.printf("%s  %s\n", p.paint(fmt.Sprintf("%-9s", l[0]), text.Bold), l[1])
		}
	}
	if m := p.idx.Memory(t.Memory); m != nil {
		c, err := newPages(p.img.Pages).command(ctx, m)
		if err != nil {
			return err
		}
		for _, l := range c.lines() {
			p.printf("%s  %s\n", p.paint(fmt.Sprintf("%-9s", l[0]), text.Bold), l[1])
		}
	}
	p.registers(t.Registers)
	if m := p.idx.Memory(t.Memory); m != nil {
		p.printf("\n%s\n", p.paint(fmt.Sprintf("memory %d", m.ID), text.Bold))
		if err := p.ranges(ctx, m); err != nil {
			return err
		}
	}
	if f := p.idx.FileTable(t.Files); f != nil {
		p.printf("\n%s\n", p.paint(fmt.Sprintf("files %d", f.ID), text.Bold))
		if err := p.fileTable(f); err != nil {
			return err
		}
	}
	return p.out.Flush()
}

func (p *Printer) taskLines(t *format.Task) [][2]string {
	lines := [][2]string{
		{"task", fmt.Sprintf("%d %s", t.TID, Clean(t.Comm))},
		{"state", stateWords(t)},
		{"ids", joinSet(", ", fmt.Sprintf("process %d", t.TGID), fmt.Sprintf("parent %d", t.PPID),
			"group "+p.leaderOf(t.PGID), "session "+p.leaderOf(t.SID), nested(t.NSPIDs))},
		{"signals", signalWords(t)},
		{"registers", registerWords(t.Registers)},
		{"restart", restartWords(t.Restart)},
		{"schedule", schedWords(t.Sched)},
		{"privilege", p.privilegeWords(t)},
		{"traits", traitWords(t)},
		{"place", placeWords(p.idx.FS(t.FS))},
	}
	if m := p.idx.Memory(t.Memory); m != nil {
		lines = append(lines, [2]string{"memory", memoryTraitWords(m)}, [2]string{"program", fileRef(&m.Exe)})
	}
	return append(lines, p.processLines(p.idx.Process(t.Process))...)
}

func nested(pids []format.PID) string {
	if len(pids) == 0 {
		return ""
	}
	return strings.Trim(fmt.Sprintf("nested %v", pids), "[]")
}

func signalWords(t *format.Task) string {
	return joinSet(", ",
		prefixed("blocked ", t.SignalMask.String()),
		pendingWords(t.Pending),
		ifSignal("to the parent at exit ", t.ExitSignal),
		ifSignal("at the parent's death ", t.ParentDeathSignal))
}

func ifSignal(what string, s format.Signal) string {
	if s == 0 {
		return ""
	}
	return what + s.String()
}

func pendingWords(list []format.SigInfo) string {
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Signal.String()
	}
	return prefixed("pending ", strings.Join(names, " "))
}

func registerWords(r *format.Registers) string {
	switch {
	case r == nil:
		return ""
	case r.AMD64 != nil:
		a := r.AMD64
		return fmt.Sprintf("ip %#x, sp %#x, ax %#x, orig_ax %#x, fs %#x, %s of vector state",
			a.RIP, a.RSP, a.RAX, a.OrigAX, a.FSBase, Bytes(uint64(len(a.XSave))))
	case r.ARM64 != nil:
		a := r.ARM64
		return fmt.Sprintf("pc %#x, sp %#x, x0 %#x, tls %#x", a.PC, a.SP, a.X[0], a.TLS)
	}
	return Count(len(r.Raw), "set", "sets") + " of an architecture that is only carried along"
}

func restartWords(r *format.Restart) string {
	if r == nil {
		return ""
	}
	if !r.Known {
		return Clean(string(r.Kind)) + " from its beginning"
	}
	return fmt.Sprintf("%s with %v left", Clean(string(r.Kind)), nanoseconds(uint64(max(r.Remaining, 0))))
}

var policies = map[uint32]string{0: "normal", 1: "fifo", 2: "round robin", 3: "batch", 5: "idle", 6: "deadline"}

func schedWords(s *format.Sched) string {
	if s == nil {
		return ""
	}
	policy := policies[s.Policy]
	if policy == "" {
		policy = fmt.Sprintf("policy %d", s.Policy)
	}
	cpus := ""
	if len(s.Affinity) > 0 {
		cpus = fmt.Sprintf("cpu mask %x", s.Affinity)
	}
	return joinSet(", ", policy, fmt.Sprintf("nice %d", s.Nice), cpus)
}

func (p *Printer) privilegeWords(t *format.Task) string {
	c := p.idx.Creds(t.Creds)
	if c == nil {
		return ""
	}
	words := fmt.Sprintf("uid %d, gid %d", c.UID, c.GID)
	if c.EUID != c.UID || c.EGID != c.GID {
		words += fmt.Sprintf(", effective %d and %d", c.EUID, c.EGID)
	}
	words += fmt.Sprintf(", capabilities %#x", c.Effective)
	if t.NoNewPrivs {
		words += ", no new privileges"
	}
	return words
}

func placeWords(f *format.FS) string {
	if f == nil {
		return ""
	}
	words := Clean(f.Cwd)
	if f.Root != "/" {
		words += " under the root " + Clean(f.Root)
	}
	return fmt.Sprintf("%s, umask %04o", words, f.Umask)
}

func (p *Printer) processLines(pr *format.Process) [][2]string {
	if pr == nil {
		return nil
	}
	tty := ""
	if t := p.idx.Terminal(pr.Terminal); t != nil {
		tty = "terminal " + Clean(t.Path)
	}
	reaper := ""
	if pr.Subreaper {
		reaper = "subreaper"
	}
	return [][2]string{{"process", joinSet(", ", reaper, pendingWords(pr.Pending),
		ifAny(len(pr.Intervals)+len(pr.Timers), "timer", "timers"), tty)}}
}
