package restore

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
)

func space(ranges ...format.Addr) *format.Image {
	img := &format.Image{Objects: format.Objects{Memories: []format.AddressSpace{{ID: 1}}}}
	for i := 0; i < len(ranges); i += 2 {
		img.Objects.Memories[0].VMAs = append(img.Objects.Memories[0].VMAs, format.VMA{Start: ranges[i], End: ranges[i+1]})
	}
	return img
}

func TestLayoutAvoidsTheImage(t *testing.T) {
	tests := []struct {
		name string
		img  *format.Image
		ok   bool
	}{
		{"nothing mapped", space(), true},
		{"low program", space(0x400000, 0x500000), true},
		{"in the way", space(lowestBase, lowestBase+pageSize, lowestBase+1<<31, lowestBase+1<<32), true},
		{"gap too small", space(0, lowestBase, lowestBase+1<<29, highestAddr), false},
		{"everything", space(0, highestAddr), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := newLayout(tt.img)
			if (err == nil) != tt.ok {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			for _, v := range tt.img.Objects.Memories[0].VMAs {
				if uint64(v.Start) < l.end && uint64(v.End) > l.low {
					t.Errorf("layout %#x-%#x meets %s-%s", l.low, l.end, v.Start, v.End)
				}
			}
		})
	}
}

func TestConvertXState(t *testing.T) {
	area := func(n int, at ...int) []byte {
		b := make([]byte, n)
		for _, i := range at {
			b[i] = 1
		}
		return b
	}
	tests := []struct {
		name string
		in   []byte
		size int
		want []byte
	}{
		{"same", area(832, 600), 832, area(832, 600)},
		{"grows", area(832, 600), 2696, area(2696, 600)},
		{"shrinks over nothing", area(2696, 600), 832, area(832, 600)},
		{"would lose", area(2696, 2000), 832, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := convertXState(tt.in, tt.size)
			if (err == nil) != (tt.want != nil) || !cmp.Equal(got, tt.want) {
				t.Errorf("got %d bytes, error %v", len(got), err)
			}
		})
	}
}

func TestAreasAreMerged(t *testing.T) {
	got := merge([]area{{0x3000, 0x4000, 1, false, true}, {0x1000, 0x2000, 1, false, true}, {0x2000, 0x3000, 1, false, true}, {0x4000, 0x5000, 3, false, true}})
	want := []area{{0x1000, 0x4000, 1, false, true}, {0x4000, 0x5000, 3, false, true}}
	if firstDifference(got, want) != "" {
		t.Errorf("got %v, want %v", got, want)
	}
	if d := firstDifference(got, want[:1]); d != "unexpected 4000-5000 rw- private" {
		t.Errorf("difference %q", d)
	}
}

// TestHasAction: a task has the actions of its table and no others.
func TestHasAction(t *testing.T) {
	img := &format.Image{}
	img.Objects.Handlers = []format.SignalHandlers{{ID: 3, Actions: []format.SignalAction{{Signal: format.SIGTRAP}, {Signal: format.SIGSEGV}}}, {ID: 4}}
	b := &builder{ix: format.NewIndex(img)}
	for _, tt := range []struct {
		table format.ObjectID
		sig   format.Signal
		want  bool
	}{{3, format.SIGTRAP, true}, {3, format.SIGSEGV, true}, {3, format.SIGCHLD, false}, {4, format.SIGTRAP, false}, {5, format.SIGTRAP, false}} {
		if got := b.hasAction(&format.Task{Handlers: tt.table}, tt.sig); got != tt.want {
			t.Errorf("table %d, %s: %v", tt.table, tt.sig, got)
		}
	}
}
