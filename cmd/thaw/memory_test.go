package main

import "testing"

// TestPace: a small heap grows to 24 MiB, a large one by a third.
func TestPace(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		live uint64
		want int
	}{
		{0, 600},
		{mib, 600},
		{4 * mib, 500},
		{12 * mib, 100},
		{20 * mib, 35},
		{1 << 40, 35},
	} {
		if got := pace(tt.live); got != tt.want {
			t.Errorf("pace(%d) = %d, want %d", tt.live, got, tt.want)
		}
	}
}
