package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/thaw-cr/thaw/internal/malformed"
)

// outcome of one vector.
type outcome string

// The outcomes.
const (
	// failed: the command refused the image and said so.
	failed outcome = "error"
	// crash: it died of a signal, of a panic, or of too much memory.
	crash outcome = "crash"
	// hang: it had to be ended.
	hang outcome = "hang"
	// accepted: it found nothing wrong.
	accepted outcome = "accepted"
)

// result is what became of one vector.
type result struct {
	Name    string  `json:"name"`
	Outcome outcome `json:"outcome"`
	Detail  string  `json:"detail,omitempty"`
}

// row counts outcomes.
type row struct {
	Format   string `json:"format"`
	Vectors  int    `json:"vectors"`
	Error    int    `json:"error"`
	Crash    int    `json:"crash"`
	Hang     int    `json:"hang"`
	Accepted int    `json:"accepted"`
	// Bases and BasesAccepted count the images that the vectors were made of: a
	// command that refuses them says nothing by refusing the vectors.
	Bases         int `json:"bases"`
	BasesAccepted int `json:"bases_accepted"`
	// Fine counts vectors whose findings are warnings and notes at most: to accept
	// them is right.
	Fine         int `json:"fine"`
	FineAccepted int `json:"fine_accepted"`
}

// report is what is printed.
type report struct {
	Command   []string `json:"command"`
	Timeout   string   `json:"timeout"`
	MemoryMiB int      `json:"memory_mib"`
	Formats   []*row   `json:"formats"`
	Total     row      `json:"total"`
	Results   []result `json:"results"`
}

func (r *report) row(format string) *row {
	for _, x := range r.Formats {
		if x.Format == format {
			return x
		}
	}
	r.Formats = append(r.Formats, &row{Format: format})
	return r.Formats[len(r.Formats)-1]
}

func (r *report) add(v *malformed.Vector, res result, base bool) {
	r.Results = append(r.Results, res)
	r.Total.Format = "all"
	for _, x := range []*row{r.row(v.Format), &r.Total} {
		x.add(v, res.Outcome, base)
	}
}

// add counts an outcome. Crashes and hangs of bases and of vectors that are fine
// count as those of others do.
func (x *row) add(v *malformed.Vector, o outcome, base bool) {
	yes := 0
	if o == accepted {
		yes = 1
	}
	switch {
	case o == crash:
		x.Crash++
	case o == hang:
		x.Hang++
	case !base && v.Verdict == malformed.Invalid:
		x.Error += 1 - yes
		x.Accepted += yes
	}
	switch {
	case base:
		x.Bases++
		x.BasesAccepted += yes
	case v.Verdict == malformed.Valid:
		x.Fine++
		x.FineAccepted += yes
	default:
		x.Vectors++
	}
}

func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "FORMAT\tVECTORS\tERROR\tCRASH\tHANG\tACCEPTED\tFINE\tBASES\t")
	for _, x := range append(r.Formats, &r.Total) {
		line := fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t", x.Format, x.Vectors, x.Error, x.Crash, x.Hang, x.Accepted,
			part(x.FineAccepted, x.Fine), part(x.BasesAccepted, x.Bases))
		fmt.Fprintln(t, line)
	}
	return t.Flush()
}

func part(n, of int) string { return fmt.Sprintf("%d of %d", n, of) }
