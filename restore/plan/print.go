package plan

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/thaw-cr/thaw/format"
)

var flagNames = []struct {
	flag Flags
	name string
}{
	{CloneParent, "sibling"},
	{ShareVM, "vm"},
	{ShareFiles, "files"},
	{ShareFS, "fs"},
	{ShareHandlers, "handlers"},
}

// String names the flags: "sibling,files".
func (f Flags) String() string {
	var names []string
	for _, n := range flagNames {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ",")
}

// WriteTo prints the plan as a table: number of the step, actor, what it does,
// steps to wait for, why. It implements io.WriterTo.
func (p *Plan) WriteTo(w io.Writer) (int64, error) {
	out := &countingWriter{w: w}
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	procs := make(map[format.PID]*Proc, len(p.Procs))
	helpers := 0
	for i := range p.Procs {
		procs[p.Procs[i].PID] = &p.Procs[i]
		if p.Procs[i].Role != RoleTask {
			helpers++
		}
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "# %d tasks, %d helpers, %d steps\n", len(p.Order), helpers, len(p.Steps))
	if len(p.Procs) > 0 {
		fmt.Fprintf(&lines, "-\t%s\tstarts\t\t%s\n", label(procs, p.Procs[0].PID), p.Procs[0].Why)
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		fmt.Fprintf(&lines, "%d\t%s\t%s\t%s\t%s\n", i, label(procs, s.Actor), s.what(), afterList(s.After), s.why(procs))
	}
	_, err := io.WriteString(tw, lines.String())
	if err := errors.Join(err, tw.Flush()); err != nil {
		return out.n, fmt.Errorf("print plan: %w", err)
	}
	return out.n, nil
}

// String is the table that WriteTo prints.
func (p *Plan) String() string {
	var b strings.Builder
	_, _ = p.WriteTo(&b) // a Builder does not fail
	return b.String()
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// label is a process's number, with its role if it is a helper.
func label(procs map[format.PID]*Proc, pid format.PID) string {
	p := procs[pid]
	if p == nil || p.Role == RoleTask {
		return number(pid)
	}
	return string(p.Role) + " " + number(pid)
}

// what says the operation: "fork 12 sibling,files".
func (s *Step) what() string {
	switch s.Op {
	case OpReaper:
		return "reaper " + map[bool]string{true: "on", false: "off"}[s.Target == 1]
	case OpStop:
		return "stop " + format.Signal(s.Target).String()
	default:
	}
	text := string(s.Op)
	if s.Target != 0 {
		text += " " + number(s.Target)
	}
	if s.Flags != 0 {
		text += " " + s.Flags.String()
	}
	return text
}

func afterList(steps []int) string {
	const shown = 8
	var names []string
	for i, s := range steps {
		if i == shown {
			names = append(names, fmt.Sprintf("and %d more", len(steps)-shown))
			break
		}
		names = append(names, strconv.Itoa(s))
	}
	if len(names) == 0 {
		return ""
	}
	return "after " + strings.Join(names, " ")
}

var stepWhy = map[Op]string{
	OpSetsid:    "leads a session",
	OpDie:       "is a zombie",
	OpLeaveLead: "is a dead leader; its threads live on",
	OpExit:      "is needed no more",
}

func (s *Step) why(procs map[format.PID]*Proc) string {
	switch s.Op {
	case OpFork:
		if p := procs[s.Target]; p != nil && p.Role != RoleTask {
			return string(p.Role) + ": " + p.Why
		}
		if s.Flags&CloneParent != 0 {
			return "a child of the actor's parent"
		}
		return ""
	case OpSetpgid:
		if s.Actor == s.Target {
			return "leads a group"
		}
		return "joins it"
	case OpReaper:
		if s.Target == 1 {
			return "adopts orphans"
		}
		return "has adopted them"
	default:
		return stepWhy[s.Op]
	}
}
