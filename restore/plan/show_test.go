package plan

import (
	"fmt"
	"strings"

	"github.com/thaw-cr/thaw/format"
)

// show prints the hierarchy of an image, a task a line.
func show(img *format.Image) string {
	var b strings.Builder
	fmt.Fprintf(&b, "root %d\n", img.Root)
	for _, t := range img.Tasks {
		fmt.Fprintf(&b, "%5d of %d: parent %d session %d group %d exit %s %s", t.TID, t.TGID, t.PPID, t.SID, t.PGID, t.ExitSignal, t.State)
		if t.State == format.Stopped {
			fmt.Fprintf(&b, " by %s unreported %v", t.StopSignal, t.StopUnreported)
		}
		fmt.Fprintf(&b, " objects %d %d %d %d\n", t.Memory, t.Files, t.FS, t.Handlers)
	}
	return b.String()
}

// showAround prints the ancestors of a task and the tree below them that is in
// its session.
func showAround(img *format.Image, task format.PID) string {
	by := map[format.PID]format.Task{}
	for _, t := range img.Tasks {
		by[t.TID] = t
	}
	some := *img
	some.Tasks = nil
	sid := by[task].SID
	above := map[format.PID]bool{}
	for p := task; p != 0 && !above[p]; p = by[p].PPID {
		above[p] = true
	}
	for _, t := range img.Tasks {
		if t.Leader() && (above[t.TID] || t.SID == sid || t.TID == sid || t.PPID == task) {
			some.Tasks = append(some.Tasks, t)
		}
	}
	return show(&some)
}

func stepsOf(p *Plan, task format.PID) string {
	var b strings.Builder
	for line := range strings.SplitSeq(p.String(), "\n") {
		if strings.Contains(line, number(task)) {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
