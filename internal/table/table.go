// Package table holds values by whole numbers that are given one after the other,
// as task numbers and object ids are.
//
//	t := table.New[format.PID, string](len(tasks), last)
//	t.Set(1000, "init")
//	name, ok := t.Find(1000)
package table

import (
	"iter"
	"maps"
	"math/bits"
)

// A Number is a kind of whole number that a Table is kept by.
type Number interface{ ~int32 | ~uint32 }

// A Table holds a value for each of some numbers. Those from zero to the last one
// expected are kept in a slice, which is several times as fast as a map and lets
// neighbours lie beside each other; what is beyond it, or negative, in a map. The
// zero value is an empty table that expects nothing. It is safe for concurrent
// use as long as nobody changes it.
type Table[K Number, V any] struct {
	dense []V
	// known has a bit for each value of dense that was set.
	known  []uint64
	sparse map[K]V
}

const (
	// maxSpread is how many times as long as there are numbers the slice may be, so
	// that an image of few tasks whose numbers are far apart costs little.
	maxSpread = 8
	// leastSpread is how long it may be for any number of them.
	leastSpread = 1024
)

// New makes a table for about n numbers up to last.
func New[K Number, V any](n int, last K) *Table[K, V] {
	if last < 0 || uint64(last) >= maxSpread*uint64(n)+leastSpread {
		return &Table[K, V]{sparse: make(map[K]V, n)}
	}
	size := uint64(last) + 1
	return &Table[K, V]{dense: make([]V, size), known: make([]uint64, (size+63)/64)}
}

// Get gives the value of k, the zero value if it was not set.
func (t *Table[K, V]) Get(k K) V {
	if t.within(k) {
		return t.dense[k]
	}
	return t.sparse[k]
}

// Find gives the value of k and whether it was set.
func (t *Table[K, V]) Find(k K) (V, bool) {
	if !t.within(k) {
		v, ok := t.sparse[k]
		return v, ok
	}
	if !t.bit(k) {
		var none V
		return none, false
	}
	return t.dense[k], true
}

// Has says whether k was set.
func (t *Table[K, V]) Has(k K) bool {
	if !t.within(k) {
		_, ok := t.sparse[k]
		return ok
	}
	return t.bit(k)
}

// within says whether k has its place in the slice.
func (t *Table[K, V]) within(k K) bool { return k >= 0 && uint64(k) < uint64(len(t.dense)) }

// bit says whether k, which is within the slice, was set. This is asked before
// the slice is: what is read before it is written costs twice, as the kernel
// has to give the memory twice.
func (t *Table[K, V]) bit(k K) bool { return t.known[k/64]>>(k%64)&1 != 0 }

// All gives all that was set: what is in the slice in ascending order, then the
// rest in none.
func (t *Table[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for i, word := range t.known {
			for ; word != 0; word &= word - 1 {
				k := i*64 + bits.TrailingZeros64(word)
				if !yield(K(k), t.dense[k]) {
					return
				}
			}
		}
		maps.All(t.sparse)(yield)
	}
}

// Set sets the value of k.
func (t *Table[K, V]) Set(k K, v V) {
	if t.within(k) {
		t.dense[k] = v
		t.known[k/64] |= 1 << (k % 64)
		return
	}
	if t.sparse == nil {
		t.sparse = make(map[K]V)
	}
	t.sparse[k] = v
}

// Delete forgets k.
func (t *Table[K, V]) Delete(k K) {
	if t.within(k) {
		var none V
		t.dense[k] = none
		t.known[k/64] &^= 1 << (k % 64)
		return
	}
	delete(t.sparse, k)
}
