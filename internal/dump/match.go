package dump

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/thaw-cr/thaw/internal/legible"
)

// Matches is the JSON document of a search.
type Matches struct {
	Matches []Match `json:"matches"`
	Found   Found   `json:"found"`
}

// A MatchPrinter prints what a search finds, as it is found.
type MatchPrinter interface {
	// Match prints one.
	Match(m Match) error
	// End prints what comes after the last, of a search that failed too.
	End(sum Found) error
}

// NewMatchText makes a printer of lines: task, address, range and the bytes
// around the match, with dots for those that are not printable.
func NewMatchText(w io.Writer, opts Options) MatchPrinter { return &matchText{w, opts} }

type matchText struct {
	w    io.Writer
	opts Options
}

// shownMatch is how much of a match a line shows, in bytes.
const shownMatch = 128

func (t *matchText) Match(m Match) error {
	where := fmt.Sprintf("%-8s  %#12x  object %d, not mapped", "-", m.Offset, m.Object)
	if m.VMA != nil {
		where = fmt.Sprintf("%-8d  %12s  %s", m.Task, m.Address,
			joinSet(" ", protWords(m.VMA), Clean(string(m.VMA.Kind)), backing(m.VMA)))
	}
	shown := dots(m.Bytes[:min(len(m.Bytes), shownMatch)])
	more := ""
	if m.Size > shownMatch {
		more = fmt.Sprintf(" and %d bytes", m.Size-shownMatch)
	}
	if t.opts.Color {
		shown = text.Escape(shown, text.FgRed.EscapeSeq())
	}
	_, err := fmt.Fprintf(t.w, "%s  |%s%s%s|%s\n", where, dots(m.Before), shown, dots(m.After), more)
	return err
}

func (t *matchText) End(Found) error { return nil }

// dots gives bytes as hexdump does beside the numbers.
func dots(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = printable(c)
	}
	return string(out)
}

// NewMatchJSON makes a printer of a Matches document.
func NewMatchJSON(w io.Writer) MatchPrinter {
	return &matchJSON{list: jsonList{w: legible.NewWriter(w)}}
}

type matchJSON struct{ list jsonList }

const matchHead = `{"matches":[`

func (j *matchJSON) Match(m Match) error {
	if err := j.list.open(matchHead); err != nil {
		return err
	}
	return j.list.add(m)
}

func (j *matchJSON) End(sum Found) error {
	if err := j.list.open(matchHead); err != nil {
		return err
	}
	return j.list.end(fmt.Sprintf(`],"found":{"matches":%d,"searched":%d,"stopped":%t}}`+"\n", sum.Matches, sum.Searched, sum.Stopped))
}
