package linuxcr

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
)

// patchLog holds patches as marshal writes them, in the order of the records
// that they are of. An image may have several for each task, of a few bytes.
type patchLog struct {
	// pieces are not moved when they are full.
	pieces [][]byte
	count  int
	size   int
}

// patchPiece is how many bytes of patches are kept together.
const patchPiece = 64 << 10

func (l *patchLog) add(key patchKey, whole bool, data []byte) {
	need := 2 + 3*binary.MaxVarintLen64 + len(data)
	last := len(l.pieces) - 1
	if last < 0 || cap(l.pieces[last])-len(l.pieces[last]) < need {
		l.pieces = append(l.pieces, make([]byte, 0, max(patchPiece, need)))
		last++
	}
	b := l.pieces[last]
	before := len(b)
	flag := byte(0)
	if whole {
		flag = 1
	}
	b = append(b, byte(key.kind), flag)
	b = binary.AppendUvarint(b, uint64(key.owner))
	b = binary.AppendUvarint(b, key.index)
	b = binary.AppendUvarint(b, uint64(len(data)))
	b = append(b, data...)
	l.pieces[last] = b
	l.count++
	l.size += len(b) - before
}

// join adds the patches of a log of records that come later.
func (l *patchLog) join(more *patchLog) {
	l.pieces = append(l.pieces, more.pieces...)
	l.count += more.count
	l.size += more.size
}

// takePatch reads one patch.
func (c *cursor) takePatch() patch {
	k, flag := kind(c.byte()), c.byte()
	p := patch{patchKey{k, c.u32(), c.u()}, flag == 1, c.text()}
	c.bad = c.bad || k >= numKinds || flag > 1
	return p
}

// sorted gives the bytes of each patch, in the order of comparePatches.
func (l *patchLog) sorted() iter.Seq[[]byte] {
	all := slices.Concat(l.pieces...)
	at := func(place uint64) cursor { return cursor{b: all[uint32(place):]} }
	// Sorting numbers is much faster than moving patches: the owner in the high
	// half, the place in the low one.
	order := make([]uint64, 0, l.count)
	for c := (cursor{b: all}); len(c.b) > 0; {
		place := len(all) - len(c.b)
		order = append(order, uint64(c.takePatch().owner)<<32|uint64(place))
	}
	slices.Sort(order)
	compare := func(a, b uint64) int {
		one, other := at(a), at(b)
		return cmp.Or(comparePatches(one.takePatch(), other.takePatch()), cmp.Compare(a, b))
	}
	for first := 0; first < len(order); {
		end := first + 1
		for end < len(order) && order[end]>>32 == order[first]>>32 {
			end++
		}
		slices.SortFunc(order[first:end], compare)
		first = end
	}
	return func(yield func([]byte) bool) {
		for _, place := range order {
			c := at(place)
			before := c.b
			c.takePatch()
			if !yield(before[:len(before)-len(c.b)]) {
				return
			}
		}
	}
}

// appendDiff appends the bytes that, combined by exclusive or, turn one payload
// into another of the same length.
func appendDiff(b, written, image []byte) []byte {
	const gap = 3 // bytes that a part of its own would cost
	last := 0
	for i := 0; i < len(image); i++ {
		if written[i] == image[i] {
			continue
		}
		end := i + 1
		for j := end; j < len(image) && j < end+gap; j++ {
			if written[j] != image[j] {
				end = j + 1
			}
		}
		b = binary.AppendUvarint(b, uint64(i-last))
		b = binary.AppendUvarint(b, uint64(end-i))
		for ; i < end; i++ {
			b = append(b, written[i]^image[i])
		}
		last = end
		i--
	}
	return b
}
