package main

import "testing"

// TestPace: a small heap grows to 24 MiB or what is expected, a large one by a third.
func TestPace(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		live, least uint64
		want        int
	}{
		{0, leastHeap, 600},
		{mib, leastHeap, 600},
		{4 * mib, leastHeap, 500},
		{12 * mib, leastHeap, 100},
		{20 * mib, leastHeap, 35},
		{1 << 40, leastHeap, 35},
		{0, 100 * mib, 2500},
		{40 * mib, 100 * mib, 150},
		{90 * mib, 100 * mib, 35},
	} {
		if got := pace(tt.live, tt.least); got != tt.want {
			t.Errorf("pace(%d, %d) = %d, want %d", tt.live, tt.least, got, tt.want)
		}
	}
}
