package linuxcr

import (
	"slices"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
)

// decoded reads an image up to the comparison with what would be written.
func decoded(t *testing.T, data []byte) *decoder {
	t.Helper()
	w := &window{at: seekableSource(data).At, size: int64(len(data))}
	lim := codec.Limits{}.WithDefaults()
	d, err := recognise(w, 0, lim)
	if err != nil {
		t.Fatal(err)
	}
	dec := newDecoder(t.Context(), w, d, lim)
	if err := dec.decode(); err != nil {
		t.Fatal(err)
	}
	dec.img.Pages = dec.pages
	dec.extra.gen = d.gen
	dec.extra.sort()
	return dec
}

// TestHalves: an image gives the same leftovers whether its halves are compared
// at the same time or one after the other, and if the second half was begun with
// what turns out to be wrong.
func TestHalves(t *testing.T) {
	for _, c := range wideTrees {
		data := c.make(2*leastHalf + 1)
		for name, change := range map[string]func(*middle){
			"both":         func(*middle) {},
			"other place":  func(m *middle) { m.at += headerSize },
			"other object": func(m *middle) { m.met.add(77777) },
			"large number": func(m *middle) { m.met.add(denseRefs + 1) },
			"none":         func(m *middle) { m.met = refSet{} },
		} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				d := decoded(t, data)
				if d.middle.task != leastHalf+1 || d.middle.at == 0 {
					t.Fatalf("the middle is task %d at %#x", d.middle.task, d.middle.at)
				}
				change(&d.middle)
				if err := d.compare(); err != nil {
					t.Fatal(err)
				}
				whole := decoded(t, data)
				whole.middle = middle{}
				if err := whole.compare(); err != nil {
					t.Fatal(err)
				}
				if got, want := d.extra.marshal(), whole.extra.marshal(); !slices.Equal(got, want) {
					t.Errorf("leftovers of %d bytes differ from %d", len(got), len(want))
				}
			})
		}
	}
}

// TestReached: the halves of an image as any kernel wrote them are taken as they
// are compared, or half of the work would be done twice.
func TestReached(t *testing.T) {
	for _, c := range wideTrees {
		d := decoded(t, c.make(2*leastHalf))
		first := d.comparison(d.again())
		if err := first.encoder.head(); err != nil {
			t.Fatal(err)
		}
		first.next = first.encoder.next
		if err := first.encoder.tasks(d.img.Tasks[:d.middle.task]); err != nil {
			t.Fatal(err)
		}
		if !first.reached(&d.middle) {
			t.Errorf("%s: the first half does not end as the second begins", c.name)
		}
	}
}

// TestFinder finds objects in lists that are in order and that are not, the
// first of those with one id.
func TestFinder(t *testing.T) {
	for name, ids := range map[string][]format.ObjectID{
		"none": {}, "one": {3}, "ordered": {1, 2, 3, 7, 9}, "twice": {1, 2, 2, 2, 5}, "disordered": {5, 1, 9, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			list := make([]format.FS, len(ids))
			for i, id := range ids {
				list[i].ID = id
			}
			f := newFinder(list, func(v *format.FS) format.ObjectID { return v.ID })
			for _, id := range []format.ObjectID{0, 1, 2, 3, 2, 9, 10, 5, 7, 1} {
				want := slices.Index(ids, id)
				if got := f.get(id); want < 0 && got != nil || want >= 0 && got != &list[want] {
					t.Errorf("object %d: %v, want the one at %d", id, got, want)
				}
			}
		})
	}
}
