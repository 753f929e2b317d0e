package codec_test

import (
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// TestZeroPages: the bound itself, one beyond it, and numbers that overflow.
func TestZeroPages(t *testing.T) {
	const most = 1 << 16
	for _, tt := range []struct {
		take []uint64
		last bool
	}{
		{[]uint64{most}, true},
		{[]uint64{most + 1}, false},
		{[]uint64{most, 1}, false},
		{[]uint64{most - 1, 1}, true},
		{[]uint64{most + 1, most}, true},
		{[]uint64{1, 1<<64 - 1}, false},
	} {
		var z codec.ZeroPages
		got := false
		for _, n := range tt.take {
			got = z.Take(n)
		}
		if got != tt.last {
			t.Errorf("%v: %t", tt.take, got)
		}
	}
	if err := codec.TooManyZeroes(3, format.PageRun{First: 1, Count: 1 << 40, Zero: true}); kindOf(err) != codec.TooLarge {
		t.Error(err)
	}
}
