package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/internal/dump"
	"github.com/thaw-cr/thaw/validate"
)

// convertJSON is what convert --json prints.
type convertJSON struct {
	In  string `json:"in"`
	Out string `json:"out"`
	// Format and Version are those that were written.
	Format  string          `json:"format"`
	Version string          `json:"version"`
	Images  []convertedJSON `json:"images"`
	// Converted and Failed count images, Skipped the files of a folder that are
	// none.
	Converted    int     `json:"converted"`
	Failed       int     `json:"failed"`
	Skipped      int     `json:"skipped"`
	Milliseconds float64 `json:"milliseconds"`
}

// convertedJSON is what became of one image.
type convertedJSON struct {
	In string `json:"in"`
	// Out is where it is written; empty if it failed.
	Out string `json:"out,omitempty"`
	// Format and Version are those it had, where they were found out.
	Format  string `json:"format,omitempty"`
	Version string `json:"version,omitempty"`
	Bytes   int64  `json:"bytes"`
	// Lost counts the losses.
	Lost   int          `json:"lost"`
	Losses []codec.Loss `json:"losses,omitempty"`
	Error  *errorBody   `json:"error,omitempty"`
}

// failed puts an error into a report of several images.
func (c *convertedJSON) failed(f *failure) {
	c.Out = ""
	c.Error = &errorBody{Message: f.Error(), Hint: f.hint, ExitCode: int(f.code), Findings: f.findings}
}

// result says in a line what became of it: of several findings the first error.
func (c *convertedJSON) result() string {
	switch {
	case c.Error == nil && c.Lost == 0:
		return "converted"
	case c.Error == nil:
		return "converted, " + dump.Count(c.Lost, "loss", "losses")
	}
	for i := range c.Error.Findings {
		if f := &c.Error.Findings[i]; f.Severity == validate.Error {
			return dump.Clean("failed: " + f.Code + " " + f.Message)
		}
	}
	return dump.Clean("failed: " + c.Error.Message)
}

// sayConverted reports on one image.
func (a *app) sayConverted(s convertJSON) error {
	if a.json {
		return output(writeJSON(a.streams.out, s))
	}
	one := s.Images[0]
	if err := a.sayLost(one); err != nil {
		return err
	}
	lost := ""
	if one.Lost > 0 {
		lost = ", " + dump.Count(one.Lost, "loss", "losses")
	}
	_, err := fmt.Fprintf(a.streams.err, "converted %s %s to %s %s: %s in %.0f ms%s\n", one.Format, one.Version, s.Format, s.Version,
		dump.Bytes(uint64(one.Bytes)), s.Milliseconds, lost)
	return output(err)
}

// sayRefused reports on one image that failed: with the losses, if those are why.
func (a *app) sayRefused(ctx context.Context, s convertJSON, one convertedJSON, err error) error {
	if !a.json || one.Lost == 0 {
		return errors.Join(a.sayLost(one), err)
	}
	f := classify(ctx, err)
	one.failed(f)
	s.Images, s.Failed = []convertedJSON{one}, 1
	if err := writeJSON(a.streams.out, s); err != nil {
		return output(err)
	}
	f.told = true
	return f
}

// lossGroup are losses of the same kind.
type lossGroup struct {
	code, message string
	tasks, count  int
}

// sayLost prints the losses of one image, a line for each kind.
func (a *app) sayLost(one convertedJSON) error {
	if a.json {
		return nil
	}
	for _, g := range groupLosses(one.Losses) {
		whose := ""
		switch {
		case g.tasks > 0:
			whose = " of " + dump.Count(g.tasks, "task", "tasks")
		case g.count > 1:
			whose = fmt.Sprintf(" (%d times)", g.count)
		}
		if _, err := fmt.Fprintf(a.streams.err, "lost     %-12s  %s%s\n", g.code, dump.Clean(g.message), whose); err != nil {
			return output(err)
		}
	}
	return nil
}

// groupLosses puts losses that say the same together, in the order of the first
// of each.
func groupLosses(losses []codec.Loss) []lossGroup {
	var groups []lossGroup
	at := map[string]int{}
	for _, l := range losses {
		key := strings.Join([]string{string(l.Code), l.Message}, "\x00")
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key] = i
			groups = append(groups, lossGroup{code: string(l.Code), message: l.Message})
		}
		groups[i].count++
		if l.Task != 0 {
			groups[i].tasks++
		}
	}
	return groups
}

// sayFolder reports on a folder.
func (a *app) sayFolder(s convertJSON) error {
	var err error
	if a.json {
		err = writeJSON(a.streams.out, s)
	} else {
		err = a.folderTable(s)
	}
	if err != nil {
		return output(err)
	}
	if s.Failed == 0 {
		return nil
	}
	return &failure{
		code: exitInvalid, told: a.json,
		err: fmt.Errorf("%d of %s not converted", s.Failed, dump.Count(s.Converted+s.Failed, "image", "images")),
	}
}

func (a *app) folderTable(s convertJSON) error {
	table := dump.NewTable("IMAGE", "FORMAT", ">SIZE", "RESULT")
	for i := range s.Images {
		c := &s.Images[i]
		size := "-"
		if c.Error == nil {
			size = dump.Bytes(uint64(c.Bytes))
		}
		table.Add(dump.Clean(c.In), orDash(c.Format+" "+c.Version), size, c.result())
	}
	var err error
	if len(s.Images) > 0 {
		err = table.Write(a.streams.out, a.printing())
	}
	_, last := fmt.Fprintf(a.streams.err, "%s converted to %s %s, %d failed, %s passed over, in %.0f ms\n", dump.Count(s.Converted, "image", "images"),
		s.Format, s.Version, s.Failed, dump.Count(s.Skipped, "other file", "other files"), s.Milliseconds)
	return errors.Join(err, last)
}

// orDash is s, or a dash if there is nothing in it.
func orDash(s string) string {
	if strings.TrimSpace(s) == "" {
		return "-"
	}
	return s
}
