package table_test

import (
	"maps"
	"math"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/internal/table"
)

// TestMap holds a table against a map, whatever the numbers.
func TestMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Int32Range(-2, 80), rapid.Int32Range(1000, 1100), rapid.Int32())
		got := table.New[int32, int](rapid.IntRange(0, 100).Draw(t, "n"), number.Draw(t, "last"))
		want := map[int32]int{}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			k := number.Draw(t, "k")
			switch rapid.IntRange(0, 2).Draw(t, "do") {
			case 0:
				got.Delete(k)
				delete(want, k)
			default:
				v := rapid.IntRange(0, 3).Draw(t, "v")
				got.Set(k, v)
				want[k] = v
			}
		}
		for k := range want {
			same(t, got, want, k)
		}
		all := maps.Collect(got.All())
		if diff := cmp.Diff(want, all); diff != "" {
			t.Fatal(diff)
		}
		for range 20 {
			same(t, got, want, number.Draw(t, "k"))
		}
	})
}

func same(t *rapid.T, got *table.Table[int32, int], want map[int32]int, k int32) {
	v, ok := got.Find(k)
	w, there := want[k]
	if v != w || ok != there || got.Get(k) != w || got.Has(k) != there {
		t.Fatalf("%d: %d, %t in the table, %d, %t in the map", k, v, ok, w, there)
	}
}

func TestZero(t *testing.T) {
	var none table.Table[uint32, string]
	if none.Has(0) || none.Get(7) != "" {
		t.Error("an empty table has something")
	}
	none.Set(7, "seven")
	if none.Get(7) != "seven" {
		t.Error("an empty table cannot be filled")
	}
}

// TestFarApart: numbers that are far apart must not cost memory.
func TestFarApart(t *testing.T) {
	var far *table.Table[uint32, [64]byte]
	if n := bytesOf(func() { far = table.New[uint32, [64]byte](10, math.MaxUint32) }); n > 1<<20 {
		t.Errorf("%d bytes for 10 numbers", n)
	}
	far.Set(math.MaxUint32, [64]byte{1})
	if far.Get(math.MaxUint32)[0] != 1 {
		t.Error("the last number was lost")
	}
}

// bytesOf is how many bytes f allocates.
func bytesOf(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
