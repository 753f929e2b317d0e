package dump

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/thaw-cr/thaw/format"
)

// maxIndent is the depth to which branches are drawn. Deeper tasks stand at
// that indentation with their depth beside them, so that a chain of n tasks
// does not print n² blanks.
const maxIndent = 40

// node is one line that the tree still has to print.
type node struct {
	task   *format.Task
	prefix string // branches of the ancestors
	depth  int
	last   bool
	parent *format.Task
}

// Tree prints processes under their parents, threads in braces, dead ones with
// their status in words. A session or group is named where it is not the
// parent's; "gone" marks one whose leader the image does not hold.
func (p *Printer) Tree() error {
	children, threads := p.kinship()
	seen := make(map[*format.Task]bool, len(p.img.Tasks))
	for i := range p.img.Tasks {
		if t := &p.img.Tasks[i]; t.Leader() && !p.hasParent(t) {
			p.branch(t, children, threads, seen)
		}
	}
	circle := false
	for i := range p.img.Tasks {
		t := &p.img.Tasks[i]
		if seen[t] {
			continue
		}
		if !circle {
			p.printf("%s\n", p.paint("without a way to the root:", text.FgRed))
			circle = true
		}
		p.branch(t, children, threads, seen)
	}
	return p.out.Flush()
}

// kinship lists each process's children and other threads in the image's order.
func (p *Printer) kinship() (children, threads map[format.PID][]*format.Task) {
	children, threads = map[format.PID][]*format.Task{}, map[format.PID][]*format.Task{}
	for i := range p.img.Tasks {
		t := &p.img.Tasks[i]
		if t.Leader() {
			children[t.PPID] = append(children[t.PPID], t)
		} else {
			threads[t.TGID] = append(threads[t.TGID], t)
		}
	}
	return children, threads
}

// hasParent says whether the task's parent is a process of the image.
func (p *Printer) hasParent(t *format.Task) bool {
	parent := p.idx.Task(t.PPID)
	return parent != nil && parent.Leader() && parent != t
}

// branch prints top and what hangs from it, each task once.
func (p *Printer) branch(top *format.Task, children, threads map[format.PID][]*format.Task, seen map[*format.Task]bool) {
	stack := []node{{task: top, last: true}}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[n.task] {
			continue
		}
		seen[n.task] = true
		p.line(n, len(threads[n.task.TGID]))
		if !n.task.Leader() {
			continue
		}
		below := append(append([]*format.Task(nil), threads[n.task.TGID]...), children[n.task.TID]...)
		for i, t := range slices.Backward(below) {
			stack = append(stack, node{
				task: t, prefix: n.under(), depth: n.depth + 1,
				last: i == len(below)-1, parent: n.task,
			})
		}
	}
}

// under is the prefix of the lines below n.
func (n node) under() string {
	switch {
	case n.depth == 0 || n.depth >= maxIndent:
		return n.prefix
	case n.last:
		return n.prefix + "   "
	}
	return n.prefix + "│  "
}

// bough is what joins n to its parent.
func (n node) bough() string {
	switch {
	case n.depth == 0:
		return ""
	case n.last:
		return "└─ "
	}
	return "├─ "
}

// wordColumn is where the words about a task begin, unless its name is longer.
const wordColumn = 28

func (p *Printer) line(n node, threads int) {
	t := n.task
	name := fmt.Sprintf("%d %s", t.TID, Clean(t.Comm))
	if !t.Leader() {
		name = fmt.Sprintf("{%d} %s", t.TID, Clean(t.Comm))
	}
	words := p.words(n, threads)
	if n.depth > maxIndent {
		words = joinSet(", ", fmt.Sprintf("depth %d", n.depth), words)
	}
	row := n.prefix + n.bough() + name
	if words != "" {
		row += strings.Repeat(" ", max(0, wordColumn-utf8.RuneCountInString(row))) + "  " + words
	}
	if p.opts.Width > 0 {
		row = text.Snip(row, p.opts.Width, "…")
	}
	p.printf("%s\n", p.paintTask(t, row))
}

// paintTask dims the dead and marks the stopped.
func (p *Printer) paintTask(t *format.Task, row string) string {
	switch {
	case t.State.Dead():
		return p.paint(row, text.Faint)
	case t.State == format.Stopped || t.State == format.TracedStop:
		return p.paint(row, text.FgYellow)
	}
	return row
}

// words say what is not plain about a task.
func (p *Printer) words(n node, threads int) string {
	t := n.task
	var parts []string
	if s := stateWords(t); s != string(format.Running) {
		parts = append(parts, s)
	}
	if t.Leader() {
		if threads > 0 {
			parts = append(parts, Count(threads+1, "thread", "threads"))
		}
		if n.parent == nil && n.task.TID != p.img.Root {
			parts = append(parts, fmt.Sprintf("parent %d outside the image", t.PPID))
		}
		if n.parent == nil || n.parent.SID != t.SID {
			parts = append(parts, "session "+p.leaderOf(t.SID))
		}
		if n.parent == nil || n.parent.PGID != t.PGID {
			parts = append(parts, "group "+p.leaderOf(t.PGID))
		}
		if pr := p.idx.Process(t.Process); pr != nil && pr.Subreaper {
			parts = append(parts, "subreaper")
		}
	}
	return strings.Join(parts, ", ")
}

// leaderOf names a session or group, and says so if its leader is gone.
func (p *Printer) leaderOf(id format.PID) string {
	if p.idx.Task(id) == nil {
		return fmt.Sprintf("%d (gone)", id)
	}
	return fmt.Sprint(id)
}

// stateWords says what a task was doing, with the status of the dead.
func stateWords(t *format.Task) string {
	switch t.State {
	case format.Stopped:
		if t.StopSignal != 0 {
			return "stopped by " + t.StopSignal.String()
		}
		return "stopped"
	case format.TracedStop:
		return "stopped by a tracer"
	case format.Zombie, format.DeadUnknown:
		return "zombie, " + t.Status.String()
	case format.DeadLeader:
		return "dead leader, " + t.Status.String()
	case format.Running:
		return string(t.State)
	}
	return Clean(string(t.State))
}
