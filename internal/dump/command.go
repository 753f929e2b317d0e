package dump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/legible"
)

// maxStrings is how much of arguments or environment is read, in bytes; the
// kernel lets a program have more, but hardly any does.
const maxStrings = 256 << 10

// A Command is how a program was called, as its memory says: it may have written
// over that since, as some do for ps(1).
type Command struct {
	// Tasks are those that have the memory.
	Tasks  []format.PID    `json:"tasks"`
	Memory format.ObjectID `json:"memory"`
	// Program is /proc/PID/exe.
	Program string `json:"program,omitempty"`
	// Arguments and Environment are those of /proc/PID/cmdline and environ. They
	// may hold secrets.
	Arguments   []string `json:"arguments,omitempty"`
	Environment []string `json:"environment,omitempty"`
	// Missing says what of them the image does not hold.
	Missing string `json:"missing,omitempty"`
}

// Commands reads how the programs of an image were called, one for each address
// space, of one task or, with zero, of all. After an error it ends.
func Commands(ctx context.Context, img *format.Image, task format.PID) iter.Seq2[Command, error] {
	return func(yield func(Command, error) bool) {
		only, err := memoryOf(img, task)
		if err != nil {
			yield(Command{}, err)
			return
		}
		users := map[format.ObjectID][]format.PID{}
		for i := range img.Tasks {
			users[img.Tasks[i].Memory] = append(users[img.Tasks[i].Memory], img.Tasks[i].TID)
		}
		g := newPages(img.Pages)
		for i := range img.Objects.Memories {
			m := &img.Objects.Memories[i]
			if task != 0 && m.ID != only {
				continue
			}
			c, err := g.command(ctx, m)
			c.Tasks = users[m.ID]
			if !yield(c, err) || err != nil {
				return
			}
			clear(g.runs) // no other address space has them
		}
	}
}

// memoryOf is the address space of a task; zero for none.
func memoryOf(img *format.Image, task format.PID) (format.ObjectID, error) {
	if task == 0 {
		return 0, nil
	}
	t := format.NewIndex(img).Task(task)
	if t == nil {
		return 0, fmt.Errorf("task %d: %w", task, ErrNoTask)
	}
	return t.Memory, nil
}

// CommandsJSON prints Commands as a list, one after the other.
func CommandsJSON(ctx context.Context, w io.Writer, img *format.Image, task format.PID) error {
	list := jsonList{w: legible.NewWriter(w)}
	var fault error
	for c, err := range Commands(ctx, img, task) {
		if fault = err; fault != nil {
			break
		}
		if err := list.open("["); err != nil {
			return err
		}
		if err := list.add(c); err != nil {
			return err
		}
	}
	if errors.Is(fault, ErrNoTask) {
		return fault
	}
	return errors.Join(fault, list.open("["), list.end("]\n"))
}

func (g *pages) command(ctx context.Context, m *format.AddressSpace) (Command, error) {
	c := Command{Memory: m.ID, Program: m.Exe.Path}
	var missing []string
	for _, part := range []struct {
		what       string
		start, end format.Addr
		into       *[]string
	}{{"arguments", m.ArgStart, m.ArgEnd, &c.Arguments}, {"environment", m.EnvStart, m.EnvEnd, &c.Environment}} {
		list, why, err := g.strings(ctx, m, part.start, part.end)
		if err != nil {
			return c, err
		}
		*part.into = list
		if why != "" {
			missing = append(missing, part.what+": "+why)
		}
	}
	c.Missing = strings.Join(missing, "; ")
	return c, nil
}

// strings reads strings that each end with a zero byte, and says what is missing.
func (g *pages) strings(ctx context.Context, m *format.AddressSpace, start, end format.Addr) (list []string, missing string, err error) {
	if end <= start {
		return nil, "", nil
	}
	if end-start > maxStrings {
		end, missing = start+maxStrings, fmt.Sprintf("the first %s of them are shown", Bytes(maxStrings))
	}
	text := make([]byte, 0, end-start)
	for p, err := range g.pieces(ctx, m, start, end) {
		switch {
		case err != nil:
			return nil, "", err
		case !p.state.Reads():
			return split(text), fmt.Sprintf("%s up to %s: %s", p.start, p.end, p.words()), nil
		}
		at := len(text)
		text = text[:at+int(p.end-p.start)]
		for part, off := text[at:], p.off; len(part) > 0 && p.state == PieceData; {
			n := min(len(part), readChunk)
			if err := g.read(ctx, p.object, off, part[:n]); err != nil {
				return nil, "", err
			}
			part, off = part[n:], off+uint64(n)
		}
	}
	return split(text), missing, nil
}

// split cuts at the zero bytes; those at the end are dropped.
func split(text []byte) []string {
	text = bytes.TrimRight(text, "\x00")
	if len(text) == 0 {
		return nil
	}
	return strings.Split(string(text), "\x00")
}

// Commands prints how the programs were called, with their environment.
func (p *Printer) Commands(ctx context.Context, task format.PID) error {
	who := p.usersOf(func(t *format.Task) format.ObjectID { return t.Memory })
	first := true
	for c, err := range Commands(ctx, p.img, task) {
		if err != nil {
			return err
		}
		if !first {
			p.printf("\n")
		}
		first = false
		p.printf("%s\n", p.paint(joinSet(", ", who.String(c.Memory), Clean(c.Program)), text.Bold))
		for _, l := range c.lines() {
			p.printf("%s  %s\n", p.paint(fmt.Sprintf("%-9s", l[0]), text.Bold), l[1])
		}
	}
	return p.out.Flush()
}

// lines are the command line, a line for each variable, and what is missing.
func (c *Command) lines() [][2]string {
	var lines [][2]string
	if len(c.Arguments) > 0 {
		lines = append(lines, [2]string{"command", quoteAll(c.Arguments)})
	}
	for i, v := range c.Environment {
		name := ""
		if i == 0 {
			name = "env"
		}
		lines = append(lines, [2]string{name, Clean(v)})
	}
	if c.Missing != "" {
		lines = append(lines, [2]string{"missing", c.Missing})
	}
	return lines
}
