package validate

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/format"
)

// TestObjectTable holds a table against a map, for ids that are close together
// and for ids that are not.
func TestObjectTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(rapid.SampledFrom([]format.ObjectID{0, 1, 2, 3, 1027, 1028, 5000, 1 << 31, 1<<32 - 1}), 1, 9).Draw(t, "ids")
		var last format.ObjectID
		for _, id := range ids {
			last = max(last, id)
		}
		table, want := newObjectTable[int](len(ids), last), map[format.ObjectID]int{}
		for i, id := range ids {
			table.set(id, i+1)
			want[id] = i + 1
		}
		if len(table.dense) > maxSpread*len(ids)+1024 {
			t.Errorf("%d places for %d ids", len(table.dense), len(ids))
		}
		for _, id := range []format.ObjectID{0, 1, 2, 3, 4, 1027, 1028, 5000, 1 << 31, 1<<32 - 1} {
			if got := table.get(id); got != want[id] {
				t.Errorf("value of %d is %d, want %d", id, got, want[id])
			}
		}
	})
}
