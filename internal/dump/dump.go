// Package dump shows an image to a person: as a summary, a tree, and tables of
// tasks, memory and files.
//
// The main path:
//
//	p := dump.New(os.Stdout, img, dump.Options{Width: 120, Terminal: true})
//	err := p.Tree()
//
// What is printed comes from an image that nobody has validated: ids may lead
// nowhere, parents may form a circle, names may hold escape sequences. Printing
// ends all the same, takes no more memory than the image itself, and sends no
// control character to a terminal. Page contents are read where they are asked
// for: by Viewer and Search, and for the command line and environment of a program.
package dump

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/thaw-cr/thaw/format"
)

// Options say how to print. The zero value prints plain text.
type Options struct {
	// Terminal asks for tables with lines; without it columns are aligned by
	// blanks and rows are never cut.
	Terminal bool
	// Color asks for colours; only together with Terminal.
	Color bool
	// Width is the terminal's width in columns; zero for no limit.
	Width int
}

// A Printer prints one image.
type Printer struct {
	out  *bufio.Writer
	img  *format.Image
	idx  *format.Index
	opts Options
}

// New makes a printer of img to w. It keeps img and does not change it.
func New(w io.Writer, img *format.Image, opts Options) *Printer {
	return &Printer{out: bufio.NewWriter(w), img: img, idx: format.NewIndex(img), opts: opts}
}

// pages counts the pages that an object holds in the image, zero pages apart.
func (p *Printer) pages(ctx context.Context, object format.ObjectID) (data, zero uint64, err error) {
	if p.img.Pages == nil {
		return 0, 0, nil
	}
	for run, err := range p.img.Pages.Runs(ctx, object) {
		if err != nil {
			return 0, 0, fmt.Errorf("page runs of object %d: %w", object, err)
		}
		if run.Zero {
			zero += run.Count
		} else {
			data += run.Count
		}
	}
	return data, zero, nil
}

// Line prints an empty line.
func (p *Printer) Line() error {
	p.printf("\n")
	return p.out.Flush()
}

func (p *Printer) printf(form string, args ...any) { fmt.Fprintf(p.out, form, args...) }

// paint colours s on a terminal that has colours.
func (p *Printer) paint(s string, c text.Color) string {
	if !p.opts.Color {
		return s
	}
	return text.Escape(s, c.EscapeSeq())
}

// Clean makes a string of an image fit to be shown: what is not printable is
// escaped as in Go source.
func Clean(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			q := strconv.Quote(s)
			return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
		}
	}
	return s
}

// Bytes gives a size in words: "512 B", "1.5 MiB".
func Bytes(n uint64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/1024, 0
	for v >= 1024 && unit < 5 {
		v, unit = v/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTPE"[unit])
}

// Count gives a number with its noun: "1 task", "2 tasks".
func Count[T ~int | ~uint64 | ~uint32](n T, noun, plural string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %s", n, plural)
}
