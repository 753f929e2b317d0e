package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A sample is the durations of one thing measured again and again.
type sample []time.Duration

// median is the middle value, or the mean of the two middle ones; zero of none.
func (s sample) median() time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// A row is what one benchmark found.
type row struct {
	name, floorName string
	took, floor     sample
	rss             int64 // bytes
}

// ratio of the medians; zero without a floor.
func (r *row) ratio() float64 {
	if r.floor.median() == 0 {
		return 0
	}
	return float64(r.took.median()) / float64(r.floor.median())
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

const mib = 1 << 20

// printTable writes rows as a Markdown table.
func printTable(w io.Writer, rows []*row) error {
	var b strings.Builder
	b.WriteString("\n| what | runs | ms | fastest | floor | floor ms | ratio | thaw's memory MiB |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		floor, ratio := "-", "-"
		if len(r.floor) > 0 {
			floor, ratio = fmt.Sprintf("%.1f", ms(r.floor.median())), fmt.Sprintf("%.2f", r.ratio())
		}
		fmt.Fprintf(&b, "| %s | %d | %.1f | %.1f | %s | %s | %s | %.0f |\n", r.name, len(r.took), ms(r.took.median()), ms(slices.Min(r.took)),
			r.floorName, floor, ratio, float64(r.rss)/mib)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
