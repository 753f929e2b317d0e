package dump_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
)

func mustText(t testing.TB, s string) dump.Pattern {
	t.Helper()
	p, err := dump.Text(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustRegexp(t testing.TB, s string) dump.Pattern {
	t.Helper()
	p, err := dump.Regexp(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func filter(t *testing.T, prot string, kinds ...string) dump.Filter {
	t.Helper()
	f, err := dump.NewFilter(kinds, prot)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// places gives what a search finds: "task address bytes", or for what is mapped
// nowhere "object+offset bytes".
func places(t *testing.T, s dump.Search, img *format.Image) ([]string, dump.Found) {
	t.Helper()
	var list []string
	sum, err := s.Run(t.Context(), img, func(m dump.Match) error {
		at := fmt.Sprintf("%d %s", m.Task, m.Address)
		if m.VMA == nil {
			at = fmt.Sprintf("%d+%#x", m.Object, m.Offset)
		}
		list = append(list, at+" "+string(m.Bytes))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, sum
}

func TestSearch(t *testing.T) {
	all := []string{"10 0x2010 needle", "10 0x3020 needle", "10 0x9f19 needle", "12 0x4ffc needle", "5+0x8 needle", "10 0x8004 needle"}
	tests := []struct {
		name   string
		search dump.Search
		want   []string
	}{
		{"text", dump.Search{Pattern: mustText(t, "needle")}, all},
		{"expression", dump.Search{Pattern: mustRegexp(t, "ne+dle")}, all},
		{"into zeroes", dump.Search{Pattern: mustRegexp(t, `nee\x00`)}, []string{"10 0x3ffd nee\x00"}},
		{"out of zeroes", dump.Search{Pattern: mustRegexp(t, `\x00after`)}, []string{"10 0x4fff \x00after"}},
		{"a task", dump.Search{Pattern: mustText(t, "needle"), Task: 12}, []string{"12 0x4ffc needle"}},
		{"a thread", dump.Search{Pattern: mustText(t, "le in"), Task: 11}, []string{"11 0x2014 le in", "11 0x3024 le in", "11 0x7000 le in"}},
		{"a zombie", dump.Search{Pattern: mustText(t, "needle"), Task: 13}, nil},
		{"kinds", dump.Search{Pattern: mustText(t, "needle"), Filter: filter(t, "", "heap", "shared")}, []string{"10 0x3020 needle", "12 0x4ffc needle"}},
		{"protection", dump.Search{Pattern: mustText(t, "needle"), Filter: filter(t, "r-x")}, []string{"10 0x2010 needle"}},
		{"private", dump.Search{Pattern: mustText(t, "needle"), Filter: filter(t, "?w?p", "file", "stack")}, []string{"10 0x9f19 needle", "10 0x8004 needle"}},
		{"nothing", dump.Search{Pattern: mustText(t, "thimble")}, nil},
		{"limit", dump.Search{Pattern: mustText(t, "needle"), Limit: 2}, all[:2]},
		{"limit reached", dump.Search{Pattern: mustText(t, "needle"), Limit: len(all)}, all},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, sum := places(t, tt.search, memoryImage())
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if sum.Matches != len(tt.want) || sum.Stopped != (tt.name == "limit") {
				t.Errorf("summed up as %+v", sum)
			}
		})
	}
	if _, err := (dump.Search{Pattern: mustText(t, "x"), Task: 99}).Run(t.Context(), memoryImage(), nil); !errors.Is(err, dump.ErrNoTask) {
		t.Errorf("task 99: %v", err)
	}
}

// TestSearchOverlapping: an image whose ranges overlap, which is invalid, is
// searched once.
func TestSearchOverlapping(t *testing.T) {
	img := memoryImage()
	m := &img.Objects.Memories[0]
	search := dump.Search{Pattern: mustText(t, "needle")}
	want, once := places(t, search, img)
	for _, v := range slices.Clone(m.VMAs) {
		for i := range format.Addr(3) {
			v.Start -= format.PageSize * i
			m.VMAs = append(m.VMAs, v)
		}
	}
	got, sum := places(t, search, img)
	if len(got) != len(want) || sum.Searched != once.Searched {
		t.Errorf("searched %d bytes instead of %d: %q, want %q", sum.Searched, once.Searched, got, want)
	}
}

// TestMatchPrinters prints what is found as text and as a document.
func TestMatchPrinters(t *testing.T) {
	s := dump.Search{Pattern: mustText(t, "needle")}
	var text, doc bytes.Buffer
	for w, p := range map[*bytes.Buffer]dump.MatchPrinter{&text: dump.NewMatchText(&text, dump.Options{}), &doc: dump.NewMatchJSON(&doc)} {
		sum, err := s.Run(t.Context(), memoryImage(), p.Match)
		if err = errors.Join(err, p.End(sum)); err != nil || w.Len() == 0 {
			t.Fatal(err)
		}
	}
	checkGolden(t, "search", text.Bytes())
	var got dump.Matches
	if err := json.Unmarshal(doc.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, doc.Bytes())
	}
	if len(got.Matches) != 6 || got.Found.Matches != 6 || string(got.Matches[3].After) != " in shared"+strings.Repeat("\x00", 22) {
		t.Errorf("document: %s", doc.Bytes())
	}
}

func TestPatterns(t *testing.T) {
	for _, s := range []string{"", "(", "a*", "^x", `x\z`, "(?m)^", "x|$", `\b`, "(a{1000}){1000}", strings.Repeat("(", 2000)} {
		if _, err := dump.Regexp(s); !errors.Is(err, dump.ErrPattern) {
			t.Errorf("expression %.20q: %v, want ErrPattern", s, err)
		}
	}
	for _, s := range []string{"", strings.Repeat("x", dump.MaxMatch+1)} {
		if _, err := dump.Text(s); !errors.Is(err, dump.ErrPattern) {
			t.Errorf("text of %d: %v, want ErrPattern", len(s), err)
		}
	}
	for _, f := range []struct {
		prot  string
		kinds []string
	}{{"rwx ", nil}, {"w--", nil}, {"r", nil}, {"rw-pp", nil}, {"", []string{"stacks"}}} {
		if _, err := dump.NewFilter(f.kinds, f.prot); !errors.Is(err, dump.ErrPattern) {
			t.Errorf("filter %v: %v, want ErrPattern", f, err)
		}
	}
}

// TestPathological searches with expressions that are slow elsewhere, or that look
// ahead to the end for every match: the search must end.
func TestPathological(t *testing.T) {
	img, pages := flat(20 * format.PageSize)
	for i := range pages {
		pages[i] = 'a'
	}
	img.Pages = cut(pages, nil)
	for _, s := range []string{"(a+)+b", "(a|a?)+b", "a[^b]*b|a", "(?m)^a+$", `(.*)(.*)(.*)x`, `(a{1,9}){1,9}b`} {
		if _, err := (dump.Search{Pattern: mustRegexp(t, s), Limit: 3}).Run(t.Context(), img, func(dump.Match) error { return nil }); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := dump.Search{Pattern: mustText(t, "a")}.Run(ctx, img, func(dump.Match) error {
		n++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("interrupted: %v after %d matches", err, n)
	}
}

// flat is an image of one task with one anonymous range from 0x100000 on.
func flat(size int) (*format.Image, []byte) {
	img := &format.Image{Tasks: []format.Task{{TID: 1, TGID: 1, Memory: 1}}}
	img.Objects.Memories = []format.AddressSpace{{ID: 1, VMAs: []format.VMA{
		{Start: flatStart, End: flatStart + format.Addr(size), Prot: format.ProtRead, Kind: format.VMAAnon},
	}}}
	return img, make([]byte, size)
}

const flatStart = 0x100000

// cut makes pages of bytes; those for which zero is true are zero pages.
func cut(b []byte, zero func(page int) bool) stored {
	pages := map[format.PageNum][]byte{}
	for i := range len(b) / format.PageSize {
		page := b[i*format.PageSize:][:format.PageSize]
		if zero != nil && zero(i) {
			clear(page)
			page = nil
		}
		pages[format.PageNum(flatStart/format.PageSize+i)] = page
	}
	return stored{1: pages}
}

// TestSearchIsWhole wants a search to find what package regexp finds in all of the
// memory at once, wherever the windows, runs and zero pages end.
func TestSearchIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		img, b := flat(rapid.IntRange(1, 60).Draw(t, "pages") * format.PageSize)
		for range rapid.IntRange(0, 40).Draw(t, "words") {
			word := rapid.SampledFrom([]string{"needle", "needles\n", "\nneed", "nee\xff", "\n" + strings.Repeat("n", 3000) + "e"}).Draw(t, "word")
			at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			if rapid.Bool().Draw(t, "at an edge") {
				at = max(0, at/format.PageSize*format.PageSize-rapid.IntRange(0, 8).Draw(t, "before"))
			}
			copy(b[at:], word)
		}
		every := rapid.IntRange(1, 9).Draw(t, "zero page")
		img.Pages = cut(b, func(page int) bool { return page%every == 1 })
		pattern := rapid.SampledFrom([]string{"needle", "n+e", "(?m)^need", "needles$", `(?m)\bneedle$`, `e[^\x00]`, `[^n]need(le)+`, `(?i)[^n]NEED`, `\x00need.e`, "nee\uFFFD", `ne{2}d?l?`, `\x00ne`}).Draw(t, "pattern")
		re := regexp.MustCompile(strings.ReplaceAll(pattern, "needles$", "needles(?m:$)"))
		var want, got [][2]int
		for _, loc := range re.FindAllIndex(b, -1) {
			want = append(want, [2]int{loc[0], loc[1]})
		}
		p, err := dump.Regexp(re.String())
		if err != nil {
			t.Fatal(err)
		}
		sum, err := dump.Search{Pattern: p}.Run(context.Background(), img, func(m dump.Match) error {
			at := int(m.Address - flatStart)
			got = append(got, [2]int{at, at + m.Size})
			if !bytes.Equal(m.Bytes, b[at:at+m.Size]) || !bytes.HasSuffix(b[:at], m.Before) || !bytes.HasPrefix(b[at+m.Size:], m.After) {
				t.Fatalf("match at %#x is not what stands there", at)
			}
			return nil
		})
		if err != nil || sum.Matches != len(got) {
			t.Fatal(err, sum)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: %s", re, diff)
		}
	})
}

// TestSearchIsSmall searches a terabyte of memory that was never touched, and
// prints a range of 16 EiB: both must end at once.
func TestSearchIsSmall(t *testing.T) {
	img, _ := flat(0)
	img.Objects.Memories[0].VMAs[0].End = flatStart + 1<<40
	img.Pages = stored{1: {flatStart/format.PageSize + 1<<20: pageWith(map[int]string{0: "needle"})}}
	got, _ := places(t, dump.Search{Pattern: mustRegexp(t, `\x00needle\x00`)}, img)
	if diff := cmp.Diff([]string{"1 0x1000fffff \x00needle\x00"}, got); diff != "" {
		t.Error(diff)
	}
	if err := viewer(t, img, 0).Hex(t.Context(), io.Discard, dump.Range{Size: 1<<64 - 1}); err != nil {
		t.Error(err)
	}
}
