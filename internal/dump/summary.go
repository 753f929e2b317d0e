package dump

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/thaw-cr/thaw/format"
)

// Summary prints where the image comes from and what it holds, a line each.
func (p *Printer) Summary(ctx context.Context) error {
	memory, err := p.memoryLine(ctx)
	if err != nil {
		return err
	}
	for _, l := range [][2]string{
		{"image", p.imageLine()},
		{"taken", p.takenLine()},
		{"tree", p.treeLine()},
		{"memory", memory},
		{"files", p.filesLine()},
		{"inside", p.insideLine()},
	} {
		if l[1] != "" {
			p.printf("%s  %s\n", p.paint(fmt.Sprintf("%-6s", l[0]), text.Bold), l[1])
		}
	}
	for _, w := range p.img.Warnings {
		p.printf("%s  %s\n", p.paint("note  ", text.FgYellow), warning(w))
	}
	return p.out.Flush()
}

// warning is what a source could not tell, in words.
func warning(w format.Warning) string {
	if w.Task == 0 {
		return Clean(w.Message)
	}
	return fmt.Sprintf("task %d: %s", w.Task, Clean(w.Message))
}

// Notes prints what a source could not tell, a line each, of many the first most.
func Notes(w io.Writer, warnings []format.Warning, most int) error {
	for i := range warnings[:min(len(warnings), most)] {
		if _, err := fmt.Fprintf(w, "note: %s\n", warning(warnings[i])); err != nil {
			return err
		}
	}
	if more := len(warnings) - most; more > 0 {
		_, err := fmt.Fprintf(w, "note: %d more, see thaw dump\n", more)
		return err
	}
	return nil
}

func (p *Printer) imageLine() string {
	v := &p.img.Provenance
	return joinSet(", ",
		joinSet(" ", Clean(v.Format), Clean(v.FormatVersion)),
		prefixed("written by ", joinSet(" ", Clean(v.Tool), Clean(v.ToolVersion))))
}

func (p *Printer) takenLine() string {
	v := &p.img.Provenance
	when := ""
	if v.Time != 0 {
		when = time.Unix(0, v.Time).UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return joinSet(", ", when, prefixed("host ", Clean(v.Host)), prefixed("Linux ", Clean(v.Kernel)), Clean(v.Arch))
}

func (p *Printer) treeLine() string {
	var processes, threads, dead int
	sessions := map[format.PID]bool{}
	for i := range p.img.Tasks {
		t := &p.img.Tasks[i]
		switch {
		case !t.Leader():
			threads++
		case t.State.Dead() && t.State != format.DeadLeader:
			dead++
		default:
			processes++
		}
		sessions[t.SID] = true
	}
	return joinSet(", ", fmt.Sprintf("root %d", p.img.Root),
		Count(processes, "process", "processes"),
		ifAny(threads, "more thread", "more threads"),
		ifAny(dead, "zombie", "zombies"),
		Count(len(sessions), "session", "sessions"))
}

func (p *Printer) memoryLine(ctx context.Context) (string, error) {
	var data, zero uint64
	add := func(id format.ObjectID) error {
		d, z, err := p.pages(ctx, id)
		data, zero = data+d, zero+z
		return err
	}
	o := &p.img.Objects
	vmas := 0
	for i := range o.Memories {
		vmas += len(o.Memories[i].VMAs)
		if err := add(o.Memories[i].ID); err != nil {
			return "", err
		}
	}
	for i := range o.Shared {
		if err := add(o.Shared[i].ID); err != nil {
			return "", err
		}
	}
	line := joinSet(", ", Count(len(o.Memories), "address space", "address spaces"),
		Count(vmas, "range", "ranges"),
		ifAny(len(o.Shared), "shared object", "shared objects"),
		Bytes(data*format.PageSize)+" of pages")
	if zero > 0 {
		line += " and " + Bytes(zero*format.PageSize) + " of zeroes"
	}
	return line, nil
}

func (p *Printer) filesLine() string {
	o := &p.img.Objects
	unread := uint64(0)
	for i := range o.Pipes {
		unread += uint64(len(o.Pipes[i].Data))
	}
	pipes := ifAny(len(o.Pipes), "pipe", "pipes")
	if unread > 0 {
		pipes += " with " + Bytes(unread) + " unread"
	}
	return joinSet(", ", Count(len(o.Files), "open file", "open files"), pipes,
		ifAny(len(o.Deleted), "file without a name", "files without a name"),
		prefixed("SHA-256 of ", ifAny(len(o.Digested()), "file", "files")))
}

// joinSet joins what is not empty.
func joinSet(sep string, parts ...string) string {
	var set []string
	for _, s := range parts {
		if s != "" {
			set = append(set, s)
		}
	}
	return strings.Join(set, sep)
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func ifAny(n int, noun, plural string) string {
	if n == 0 {
		return ""
	}
	return Count(n, noun, plural)
}
