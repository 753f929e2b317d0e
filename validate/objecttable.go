package validate

import "github.com/thaw-cr/thaw/format"

// An objectTable holds a value for each object's id, the zero value for all others.
// Codecs number objects one after the other, so a slice serves, which is several
// times as fast as a map; ids that are far apart get a map.
type objectTable[V any] struct {
	dense  []V
	sparse map[format.ObjectID]V
}

// maxSpread is how many times as long as there are ids a slice may be.
const maxSpread = 4

// newObjectTable makes a table for n ids up to last.
func newObjectTable[V any](n int, last format.ObjectID) *objectTable[V] {
	if uint64(last) < maxSpread*uint64(n)+1024 {
		return &objectTable[V]{dense: make([]V, last+1)}
	}
	return &objectTable[V]{sparse: make(map[format.ObjectID]V, n)}
}

func (t *objectTable[V]) get(id format.ObjectID) V {
	if t.sparse != nil {
		return t.sparse[id]
	}
	if int(id) < len(t.dense) {
		return t.dense[id]
	}
	var none V
	return none
}

// set sets the value of an id; those beyond the last one are not kept.
func (t *objectTable[V]) set(id format.ObjectID, v V) {
	switch {
	case t.sparse != nil:
		t.sparse[id] = v
	case int(id) < len(t.dense):
		t.dense[id] = v
	}
}
