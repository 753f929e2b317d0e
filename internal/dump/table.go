package dump

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A Table is rows under a header. Cells must be fit to be shown (see [Clean]).
type Table struct {
	header []string
	right  []bool
	rows   [][]string
}

// NewTable makes an empty table. A ">" before a column's name sets the column
// to the right on a terminal.
func NewTable(header ...string) *Table {
	t := &Table{header: make([]string, len(header)), right: make([]bool, len(header))}
	for i, name := range header {
		t.header[i], t.right[i] = strings.CutPrefix(name, ">")
	}
	return t
}

// Add adds a row.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// Write prints the table: with lines and cut to the width on a terminal, with
// blanks elsewhere.
func (t *Table) Write(w io.Writer, opts Options) error {
	if opts.Terminal {
		_, err := fmt.Fprintln(w, t.ruled(opts))
		return err
	}
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(t.header, "\t"))
	for _, r := range t.rows {
		fmt.Fprintln(tw, strings.Join(r, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// ruled draws the table with lines.
func (t *Table) ruled(opts Options) string {
	tw := table.NewWriter()
	tw.SetStyle(table.StyleLight)
	tw.Style().Format.Header = text.FormatDefault
	tw.Style().Size.WidthMax = opts.Width
	if opts.Color {
		tw.Style().Color.Header = text.Colors{text.Bold}
	}
	var configs []table.ColumnConfig
	for i, right := range t.right {
		if right {
			configs = append(configs, table.ColumnConfig{Number: i + 1, Align: text.AlignRight})
		}
	}
	tw.SetColumnConfigs(configs)
	tw.AppendHeader(tableRow(t.header))
	for _, r := range t.rows {
		tw.AppendRow(tableRow(r))
	}
	return tw.Render()
}

func tableRow(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = c
	}
	return row
}
