package dump

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// column is a table's column; numbers stand to the right.
type column struct {
	name  string
	right bool
}

// grid is a table that is still to be printed.
type grid struct {
	columns []column
	rows    [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// table prints g with lines on a terminal and with blanks elsewhere.
func (p *Printer) table(g *grid) error {
	if p.opts.Terminal {
		p.ruled(g)
		return nil
	}
	tw := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	names := make([]string, len(g.columns))
	for i, c := range g.columns {
		names[i] = c.name
	}
	fmt.Fprintln(tw, strings.Join(names, "\t"))
	for _, r := range g.rows {
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(r, "\t"), "\t"))
	}
	return tw.Flush()
}

// ruled prints g with lines, cut to the terminal's width.
func (p *Printer) ruled(g *grid) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.Style().Size.WidthMax = p.opts.Width
	if p.opts.Color {
		t.Style().Color.Header = text.Colors{text.Bold}
	}
	header := make(table.Row, len(g.columns))
	var configs []table.ColumnConfig
	for i, c := range g.columns {
		header[i] = c.name
		if c.right {
			configs = append(configs, table.ColumnConfig{Number: i + 1, Align: text.AlignRight})
		}
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	for _, r := range g.rows {
		row := make(table.Row, len(r))
		for i, cell := range r {
			row[i] = cell
		}
		t.AppendRow(row)
	}
	fmt.Fprintln(p.out, t.Render())
}
