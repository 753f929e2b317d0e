package dump_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/dump"
)

// stored is a page source that holds what it is given: contents by object and
// page. Pages of nil are zero pages.
type stored map[format.ObjectID]map[format.PageNum][]byte

func (s stored) Runs(_ context.Context, id format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		var nums []format.PageNum
		for n := range s[id] {
			nums = append(nums, n)
		}
		slices.Sort(nums)
		for i := 0; i < len(nums); {
			run := format.PageRun{First: nums[i], Zero: s[id][nums[i]] == nil}
			for ; i < len(nums) && nums[i] == run.End() && (s[id][nums[i]] == nil) == run.Zero; i++ {
				run.Count++
			}
			if !yield(run, nil) {
				return
			}
		}
	}
}

func (s stored) ReadPages(_ context.Context, id format.ObjectID, first format.PageNum, p []byte) error {
	for i := range len(p) / format.PageSize {
		page, ok := s[id][first+format.PageNum(i)]
		if !ok {
			return fmt.Errorf("object %d has no page %d", id, int(first)+i)
		}
		copy(p[i*format.PageSize:], page)
	}
	return nil
}

// pageWith is a page with words at offsets.
func pageWith(words map[int]string) []byte {
	p := make([]byte, format.PageSize)
	for at, w := range words {
		copy(p[at:], w)
	}
	return p
}

// memoryImage has two processes. The first maps code from a file, a heap of three
// pages of which the middle one is zero, shared memory from its second page on, a
// private mapping of a deleted file, and a stack with its arguments. The second
// maps all of the shared memory. A memfd is open and not mapped.
func memoryImage() *format.Image {
	img := &format.Image{
		Provenance: format.Provenance{Arch: "amd64", PageSize: format.PageSize},
		Root:       10,
		Tasks: []format.Task{
			{TID: 10, TGID: 10, PGID: 10, SID: 10, Comm: "one", Memory: 1},
			{TID: 11, TGID: 10, PGID: 10, SID: 10, Comm: "thread", Memory: 1},
			{TID: 12, TGID: 12, PPID: 10, PGID: 10, SID: 10, Comm: "two", Memory: 2},
			{TID: 13, TGID: 13, PPID: 10, PGID: 10, SID: 10, Comm: "dead", State: format.Zombie},
		},
	}
	const code, rw = format.ProtRead | format.ProtExec, format.ProtRead | format.ProtWrite
	img.Objects.Memories = []format.AddressSpace{
		{
			ID: 1, Exe: format.FileRef{Path: "/bin/one"}, ArgStart: 0x9f00, ArgEnd: 0x9f0e, EnvStart: 0x9f0e, EnvEnd: 0x9f22,
			VMAs: []format.VMA{
				{Start: 0x1000, End: 0x3000, Prot: code, Kind: format.VMAFile, File: format.FileRef{Path: "/bin/one"}, Offset: 0x5000},
				{Start: 0x3000, End: 0x6000, Prot: rw, Kind: format.VMAHeap, Name: "[heap]"},
				{Start: 0x7000, End: 0x8000, Prot: rw, Kind: format.VMAShared, SharedMap: true, Shared: 3, Offset: 0x1000},
				{Start: 0x8000, End: 0x9000, Prot: rw, Kind: format.VMAFile, File: format.FileRef{Path: "/tmp/gone", Deleted: 4}},
				{Start: 0x9000, End: 0xa000, Prot: rw, Kind: format.VMAStack, Name: "[stack]"},
				{Start: 0xb000, End: 0xc000, Prot: format.ProtRead, Kind: format.VMAVVar, Name: "[vvar]"},
			},
		},
		{ID: 2, ArgStart: 0x2000, ArgEnd: 0x2010, VMAs: []format.VMA{
			{Start: 0x4000, End: 0x6000, Prot: format.ProtRead, Kind: format.VMAShared, SharedMap: true, Shared: 3},
		}},
	}
	img.Objects.Shared = []format.SharedMemory{{ID: 3, Kind: format.SharedAnon, Size: 0x2000}, {ID: 5, Kind: format.SharedMemfd, Size: 0x1000, Name: "open"}}
	img.Objects.Deleted = []format.DeletedFile{{ID: 4, Path: "/tmp/gone", Size: 0x1000}}
	img.Pages = stored{
		1: {
			2: pageWith(map[int]string{0x10: "needle in code"}),
			3: pageWith(map[int]string{0x20: "needle in heap", 0xffd: "nee"}),
			4: nil,
			5: pageWith(map[int]string{0: "after zeroes"}),
			9: pageWith(map[int]string{0xf00: "one\x00two words\x00A=b\x00SECRET=needle\x1b\x00"}),
		},
		3: {0: pageWith(map[int]string{0xffc: "need"}), 1: pageWith(map[int]string{0: "le in shared"})},
		4: {0: pageWith(map[int]string{4: "needle of the deleted"})},
		5: {0: pageWith(map[int]string{8: "needle in memfd"})},
	}
	return img
}

func TestParseRange(t *testing.T) {
	good := map[string]dump.Range{
		"0x1000:16":                {Start: 0x1000, Size: 16},
		"4096:0x10":                {Start: 4096, Size: 16},
		"7ffd1000:4K":              {Start: 0x7ffd1000, Size: 4096},
		"0:2M":                     {Size: 2 << 20},
		"0:18446744073709551615":   {Size: math.MaxUint64},
		"0xfffffffffffffff0:15":    {Start: 0xffff_ffff_ffff_fff0, Size: 15},
		"0xffffffffff600000:0x100": {Start: 0xffff_ffff_ff60_0000, Size: 0x100},
	}
	for s, want := range good {
		got, err := dump.ParseRange(s)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", s, err, diff)
		}
	}
	for _, s := range []string{
		"", "0x1000", "0x1000:", ":16", "x:1", "0x1000:0", "0x1000:-1", "-1:1", "0x1000:1Q", "0x1000:K", "0xfffffffffffffff0:17",
		"0:99999999T", "0:16777216T", "0x10000000000000000:1", "0x1000:1:2",
	} {
		if got, err := dump.ParseRange(s); !errors.Is(err, dump.ErrRange) {
			t.Errorf("%q: %v, %v, want ErrRange", s, got, err)
		}
	}
}

func viewer(t *testing.T, img *format.Image, task format.PID) *dump.Viewer {
	t.Helper()
	v, err := dump.NewViewer(img, task)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHex(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    dump.Range
	}{
		{"hex-all", dump.Range{Size: math.MaxUint64}},
		{"hex-middle", dump.Range{Start: 0x3025, Size: 21}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := viewer(t, memoryImage(), 10).Hex(t.Context(), &got, tt.r); err != nil {
				t.Fatal(err)
			}
			checkGolden(t, tt.name, got.Bytes())
		})
	}
}

func TestRaw(t *testing.T) {
	v := viewer(t, memoryImage(), 10)
	var got bytes.Buffer
	var said []string
	err := v.Raw(t.Context(), &got, dump.Range{Start: 0x1ff0, Size: 0x4010}, func(s string) error {
		said = append(said, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	src := memoryImage().Pages.(stored)[1]
	want := slices.Concat(make([]byte, 16), src[2], src[3], make([]byte, format.PageSize), src[5])
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes differ from those %d in the image", got.Len(), len(want))
	}
	if diff := cmp.Diff([]string{"0x1ff0 up to 0x2000: not in the image: as in /bin/one +0x5ff0; zeroes instead"}, said); diff != "" {
		t.Error(diff)
	}
	got.Reset()
	if err := v.Raw(t.Context(), &got, dump.Range{Start: 0x5000, Size: 0x2001}, nil); !errors.Is(err, dump.ErrRange) || got.Len() > 0 {
		t.Errorf("a range with a hole: %v, %d bytes", err, got.Len())
	}
}

// TestView wants the pieces of a view to cover the range without a gap.
func TestView(t *testing.T) {
	var out bytes.Buffer
	if err := viewer(t, memoryImage(), 11).JSON(t.Context(), &out, dump.Range{Start: 0x800, Size: 0xc000}); err != nil {
		t.Fatal(err)
	}
	var view dump.View
	if err := json.Unmarshal(out.Bytes(), &view); err != nil {
		t.Fatalf("%v in %s", err, out.Bytes())
	}
	at, states := view.Address, map[dump.PieceState]uint64{}
	for _, p := range view.Pieces {
		if p.Address != at || p.State == dump.PieceData && uint64(len(p.Data)) != p.Size {
			t.Errorf("piece at %s, wanted at %s, %d bytes of %d", p.Address, at, len(p.Data), p.Size)
		}
		at += format.Addr(p.Size)
		states[p.State] += p.Size
	}
	want := map[dump.PieceState]uint64{
		dump.PieceUnmapped: 0x800 + 0x1000 + 0x1000 + 0x800, dump.PieceFile: 0x1000, dump.PieceData: 0x6000, dump.PieceZero: 0x1000, dump.PieceKernel: 0x1000,
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Error(diff)
	}
	if view.Task != 11 || at != 0x800+0xc000 {
		t.Errorf("task %d, up to %s", view.Task, at)
	}
}

func TestNoViewer(t *testing.T) {
	for task, want := range map[format.PID]error{0: dump.ErrRange, 13: dump.ErrRange, 99: dump.ErrNoTask} {
		if _, err := dump.NewViewer(memoryImage(), task); !errors.Is(err, want) {
			t.Errorf("task %d: %v, want %v", task, err, want)
		}
	}
}

func TestCommands(t *testing.T) {
	var list []dump.Command
	for c, err := range dump.Commands(t.Context(), memoryImage(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	want := []dump.Command{
		{Tasks: []format.PID{10, 11}, Memory: 1, Program: "/bin/one", Arguments: []string{"one", "two words"}, Environment: []string{"A=b", "SECRET=needle\x1b"}},
		{Tasks: []format.PID{12}, Memory: 2, Missing: "arguments: 0x2000 up to 0x2010: not mapped"},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	var text bytes.Buffer
	if err := dump.New(&text, memoryImage(), dump.Options{}).Commands(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "commands", text.Bytes())
	if err := dump.CommandsJSON(t.Context(), io.Discard, memoryImage(), 99); !errors.Is(err, dump.ErrNoTask) {
		t.Errorf("task 99: %v", err)
	}
}

// TestHostileMemory reads images whose ranges and runs make no sense: all of it
// must end, without a panic and without much memory.
func TestHostileMemory(t *testing.T) {
	img := memoryImage()
	m := &img.Objects.Memories[0]
	m.ArgEnd, m.EnvStart, m.EnvEnd = math.MaxUint64, 0xf000, 0x1000
	m.VMAs = []format.VMA{
		{Start: 0x9000, End: 0x1000, Kind: format.VMAHeap},
		{Start: 0x2000, End: math.MaxUint64, Kind: format.VMAAnon},
		{Start: 0x1000, End: 0x4000, Kind: format.VMAShared, Shared: 3, Offset: math.MaxUint64 - 0x1000},
		{Start: 0, End: math.MaxUint64, Kind: format.VMAShared, Shared: 99, SharedMap: true},
		{Start: 0x5001, End: 0x5002, Kind: "\x1b", Shared: 1},
		{Start: math.MaxUint64, End: math.MaxUint64},
	}
	img.Pages = wild{}
	for _, r := range []dump.Range{{Start: 0, Size: math.MaxUint64}, {Start: math.MaxUint64 - 1, Size: 1}, {Start: 0x4fff, Size: 5}} {
		if err := viewer(t, img, 10).JSON(t.Context(), io.Discard, r); err != nil && !errors.Is(err, errWild) {
			t.Errorf("%v: %v", r, err)
		}
	}
	text, err := dump.Text("needle")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (dump.Search{Pattern: text}).Run(t.Context(), img, nil); err != nil && !errors.Is(err, errWild) {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := dump.New(&out, img, dump.Options{}).Commands(t.Context(), 10); err != nil && !errors.Is(err, errWild) {
		t.Error(err)
	}
	if strings.ContainsRune(out.String(), '\x1b') {
		t.Errorf("control character in %q", out.String())
	}
}

var errWild = errors.New("no such page")

// wild tells of runs that overlap, run backwards and leave the address space, and
// has none of their pages.
type wild struct{}

func (wild) Runs(context.Context, format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) {
		for _, r := range []format.PageRun{
			{First: 5, Count: 10, Zero: true},
			{First: 2, Count: 1},
			{First: 7, Count: 0},
			{First: 15, Count: math.MaxUint64, Zero: true},
			{First: math.MaxUint64, Count: 2},
		} {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (wild) ReadPages(context.Context, format.ObjectID, format.PageNum, []byte) error { return errWild }
