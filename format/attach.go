package format

import "slices"

// A SegmentAttachment is what one shmat(2) gave an address space: the whole of a System V
// segment at Base, of which the VMAs are left, in the order of their addresses.
type SegmentAttachment struct {
	Base    Addr
	Segment *SharedMemory
	VMAs    []*VMA
}

// End is the address behind the last page of the whole.
func (a *SegmentAttachment) End() Addr {
	return a.Base + Addr((a.Segment.Size+PageSize-1)&^(PageSize-1))
}

// SegmentAttachments finds those of an address space whose VMAs are apart, in the order of
// their addresses and inside their segments, which find gives by their ids. Each is
// attached whole, and what is not left of it unmapped, before the next: so one of
// which little is left may have to come before another that lies in the gap. list
// is such an order, the one in which the program made them or one as good, and
// stuck are those that fit in none, because they lie over each other, or over the
// vdso, or end beyond all addresses.
func SegmentAttachments(mm *AddressSpace, find func(ObjectID) *SharedMemory) (list, stuck []SegmentAttachment) {
	o := attachOrder{}
	at := map[attachKey]int{}
	for i := range mm.VMAs {
		v := &mm.VMAs[i]
		owner := -1
		if v.Kind == VMAShared {
			s := find(v.Shared)
			if s == nil || s.Kind != SharedSysV {
				continue
			}
			key := attachKey{v.Start - Addr(v.Offset), v.Shared}
			var known bool
			if owner, known = at[key]; !known {
				owner = len(o.all)
				at[key] = owner
				o.all = append(o.all, SegmentAttachment{Base: key.base, Segment: s})
			}
			o.all[owner].VMAs = append(o.all[owner].VMAs, v)
		} else if !v.Special() {
			continue
		}
		o.vmas, o.owner = append(o.vmas, v), append(o.owner, owner)
	}
	if len(o.all) == 0 {
		return nil, nil
	}
	return o.order()
}

// attachKey tells attachments apart.
type attachKey struct {
	base    Addr
	segment ObjectID
}

// attachOrder looks for the order from its end: what lies over nothing that is left
// of others can be the last.
type attachOrder struct {
	all []SegmentAttachment
	// vmas are what is left of all, and the vdso, which is there before; owner is
	// the place in all, -1 for the vdso.
	vmas  []*VMA
	owner []int
	// own are the places in vmas of each of all.
	own [][]int
	// next leads to the next VMA that is not taken out, or to itself.
	next []int
}

// maxAttachRounds bounds how often all are looked at, each time in the other
// direction: programs attach in hardly more turns than one.
const maxAttachRounds = 64

func (o *attachOrder) order() (list, stuck []SegmentAttachment) {
	o.next = make([]int, len(o.vmas)+1)
	for i := range o.next {
		o.next[i] = i
	}
	o.own = make([][]int, len(o.all))
	for i, a := range o.owner {
		if a >= 0 {
			o.own[a] = append(o.own[a], i)
		}
	}
	left := make([]int, len(o.all))
	for i := range left {
		left[i] = len(left) - 1 - i
	}
	for range maxAttachRounds {
		before := len(left)
		left = slices.DeleteFunc(left, func(a int) bool {
			if !o.last(a) {
				return false
			}
			list = append(list, o.all[a])
			for _, i := range o.own[a] {
				o.next[i] = i + 1
			}
			return true
		})
		if len(left) == 0 || len(left) == before {
			break
		}
		slices.Reverse(left)
	}
	slices.Sort(left)
	for _, a := range left {
		stuck = append(stuck, o.all[a])
	}
	slices.Reverse(list)
	return list, stuck
}

// last says whether an attachment can be made when all others that are not taken
// out are there.
func (o *attachOrder) last(a int) bool {
	x := &o.all[a]
	if x.Base == 0 || x.Segment.Size > 1<<62 || x.End() <= x.Base {
		return false
	}
	i, _ := slices.BinarySearchFunc(o.vmas, x.Base, func(v *VMA, base Addr) int {
		if v.End <= base {
			return -1
		}
		return 1
	})
	for i = o.alive(i); i < len(o.vmas) && o.vmas[i].Start < x.End(); i = o.alive(i + 1) {
		if o.owner[i] != a {
			return false
		}
	}
	return true
}

// alive finds the first VMA from i on that is not taken out.
func (o *attachOrder) alive(i int) int {
	for o.next[i] != i {
		o.next[i] = o.next[o.next[i]]
		i = o.next[i]
	}
	return i
}
