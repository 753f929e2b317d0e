package bench

import (
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		in   sample
		want time.Duration
	}{
		{nil, 0},
		{sample{7}, 7},
		{sample{9, 1}, 5},
		{sample{9, 1, 2}, 2},
		{sample{4, 1, 100, 2}, 3},
	} {
		if got := tt.in.median(); got != tt.want {
			t.Errorf("median of %v is %d, want %d", tt.in, got, tt.want)
		}
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	r := &row{name: "x", floorName: "y", took: sample{3 * time.Millisecond}, floor: sample{2 * time.Millisecond}, rss: 5 * mib}
	bare := &row{name: "z", floorName: "-", took: sample{3 * time.Millisecond}}
	if err := printTable(&b, []*row{r, bare}); err != nil {
		t.Fatal(err)
	}
	if want := "| x | 1 | 3.0 | 3.0 | y | 2.0 | 1.50 | 5 |\n| z | 1 | 3.0 | 3.0 | - | - | - | 0 |\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("table is %q, want it to end in %q", b.String(), want)
	}
}
