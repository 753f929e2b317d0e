package campaign

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCasesAreTheSame: a case gives the same bytes whatever was done before it and
// in whichever process.
func TestCasesAreTheSame(t *testing.T) {
	one, other := corpus(t), corpus(t)
	changed := 0
	for n := uint64(0); n < 3000; n += 3 {
		k := one.Case(n)
		a, err := one.Mutate(k)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParseCase(k.String())
		if err != nil || parsed != k {
			t.Fatalf("%v read as %v, %v", k, parsed, err)
		}
		b, err := other.Mutate(parsed)
		if err != nil {
			t.Fatal(err)
		}
		if !same(a, b) {
			t.Fatalf("%s gives two images", k)
		}
		if !same(a, one.Image(k.Image)) {
			changed++
		}
	}
	if changed < 850 { // some mutators find nothing to change in some images
		t.Errorf("of 1000 cases %d change anything", changed)
	}
}

func same(a, b *Image) bool {
	if !bytes.Equal(a.File, b.File) || len(a.Dir) != len(b.Dir) {
		return false
	}
	for name, f := range a.Dir {
		if b.Dir[name] == nil || !bytes.Equal(f.Data, b.Dir[name].Data) {
			return false
		}
	}
	return true
}

// TestMutatorsLeaveTheCorpus: no mutator writes into an image that it is given.
func TestMutatorsLeaveTheCorpus(t *testing.T) {
	c, untouched := corpus(t), corpus(t)
	for i, m := range c.Images() {
		for j, x := range c.mutators {
			if (i+j)%4 != 0 || !x.fits(m.Family) {
				continue
			}
			if _, err := c.Mutate(Case{m.Name, x.name, 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, m := range c.Images() {
		if !same(m, untouched.Images()[i]) {
			t.Errorf("%s was changed", m.Name)
		}
	}
}

// TestTakenApart: what is taken apart and put together is the same.
func TestTakenApart(t *testing.T) {
	count := map[Family]int{}
	for _, m := range corpus(t).Images() {
		if strings.Contains(m.Name, "/malformed/") {
			continue // which need not be whole
		}
		switch m.Family {
		case Native:
			pieces := parseNative(m.File)
			for _, refit := range []bool{false, true} {
				if !bytes.Equal(assembleNative(pieces, refit), m.File) {
					t.Errorf("%s is another file, refit %t", m.Name, refit)
				}
			}
			for i := range pieces {
				p, err := unpackPiece(&pieces[i])
				if err != nil {
					t.Fatal(err)
				}
				const private = 0x100 // and above: records that are not of this version
				if n, err := parseMsgpack(p); pieces[i].typ != typePages && pieces[i].typ < private && (err != nil || !bytes.Equal(appendMsgpack(nil, n), p)) {
					t.Errorf("%s: record %d is another: %v", m.Name, i, err)
				}
			}
			count[Native] += len(pieces)
		case CRIU:
			for name, file := range m.Dir {
				f := parseCRIU(file.Data)
				if !bytes.Equal(f.bytes(), file.Data) {
					t.Errorf("%s: %s is another file", m.Name, name)
				}
				for _, e := range f.entries {
					if n, err := parseProtobuf(e, "", 0); err == nil && !bytes.Equal(appendProtobuf(nil, n), e) {
						t.Errorf("%s: an entry of %s is another", m.Name, name)
					} else if err == nil {
						count[CRIU]++
					}
				}
			}
		case LinuxCR:
			count[LinuxCR] += len(layoutOf(t.Context(), m).places)
		case Archive:
			list := parseTar(m.File)
			if strings.Contains(m.Name, "/healthy") && !bytes.HasPrefix(assembleTar(list), bytes.TrimRight(m.File, "\x00")) {
				t.Errorf("%s is another archive", m.Name)
			}
			count[Archive] += len(list)
		}
	}
	for _, f := range Families() {
		if count[f] < 300 {
			t.Errorf("%d parts of %s images", count[f], f)
		}
	}
}

// TestSealed: a tar header that was changed has the checksum that fits, and a
// native file that was changed opens as far as its checksums go.
func TestSealed(t *testing.T) {
	c := corpusOf(t, small(t))
	m, err := c.Mutate(Case{"archive/archive/healthy", "field", 5})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range parseTar(m.File) {
		was := slices.Clone(x.head)
		x.head = slices.Clone(x.head)
		x.seal(false)
		if !bytes.Equal(was, x.head) {
			t.Errorf("%s has another checksum", x.name())
		}
	}
	bad := bytes.Clone(c.Image("native/v1-full").File)
	bad[40] ^= 1
	if bytes.Equal(resealNative(bad), bad) {
		t.Error("nothing was sealed")
	}
}

// TestCasesThatAreNone: a name that leads nowhere is told.
func TestCasesThatAreNone(t *testing.T) {
	c := corpusOf(t, small(t))
	for _, name := range []string{"", "a:b", "a:flip:x", "a:flip:-1"} {
		if _, err := ParseCase(name); err == nil {
			t.Errorf("%q is a case", name)
		}
	}
	for _, k := range []Case{{"nothing", "flip", 1}, {"native/v1-full", "nothing", 1}, {"native/v1-full", "file", 1}} {
		if _, err := c.Mutate(k); err == nil {
			t.Errorf("%s is a case", k)
		}
	}
}

// TestSpread: all images have their part, in their order, until there is no more.
func TestSpread(t *testing.T) {
	list := []Case{{"a", "x", 1}, {"a", "x", 2}, {"a", "x", 3}, {"b", "x", 4}}
	for n, want := range [][]Case{nil, {list[0]}, {list[0], list[3]}, {list[0], list[3], list[1]}} {
		if d := cmp.Diff(want, Spread(list, n)); d != "" {
			t.Errorf("%d (-want +got):\n%s", n, d)
		}
	}
	if got := Spread(list, 9); len(got) != len(list) {
		t.Errorf("%d of %d", len(got), len(list))
	}
}
