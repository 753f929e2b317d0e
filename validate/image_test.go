package validate

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/restore/plan"
)

func TestImageTakesNil(t *testing.T) {
	if found := Image(t.Context(), nil, Options{Plan: true}); found != nil {
		t.Errorf("findings of no image: %v", found)
	}
	if found := Unsupported(nil); found != nil {
		t.Errorf("findings of no image: %v", found)
	}
	want := []string{"H001", "M001"}
	if diff := cmp.Diff(want, codesOf(Image(t.Context(), &format.Image{}, Options{Plan: true}))); diff != "" {
		t.Errorf("empty image (-want +got):\n%s", diff)
	}
}

func TestImageStopsWhenCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found := Image(ctx, bigImage(10000, true), Options{}); len(found) > 0 {
		t.Errorf("%d findings after cancelling", len(found))
	}
}

// brokenImage breaks rules of all families, some in several places.
func brokenImage() *vector {
	v := &vector{Image: baseImage(), Pages: basePages()}
	v.Image.Provenance.PageSize = 65536
	v.task(102).Comm = "much too long a name"
	v.task(100).Comm = "much too long a name"
	v.task(102).StopSignal = 19
	v.regs().CS = 0x10
	v.vma(anonAddr).Prot = 7
	v.buffer().Capacity = 5000
	v.path("relative")
	return v
}

func TestImageOrder(t *testing.T) {
	var got []string
	for _, f := range Image(t.Context(), brokenImage().image(), Options{}) {
		got = append(got, f.Code+" "+f.Subject.String())
	}
	want := []string{
		"H036 task 100", "H036 task 102", "H039 task 102", "M001 image", "M011 object 10", "S005 task 100",
		"R019 object 30", "R033 object 50",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestImageOptions(t *testing.T) {
	all := []string{"H036", "H039", "M001", "M011", "R019", "R033", "S005"}
	for _, tt := range []struct {
		name string
		opts Options
		want []string
	}{
		{"all", Options{}, all},
		{"family", Options{Only: []string{"H"}}, []string{"H036", "H039"}},
		{"codes", Options{Only: []string{"H039", "R0"}}, []string{"H039", "R019", "R033"}},
		{"ignore", Options{Ignore: []string{"H", "M0", "S005"}}, []string{"R019", "R033"}},
		{"both", Options{Only: []string{"H"}, Ignore: []string{"H036"}}, []string{"H039"}},
		{"errors", Options{MinSeverity: Error}, []string{"H036", "H039", "M001", "R019", "S005"}},
		{"warnings", Options{MinSeverity: Warning}, []string{"H036", "H039", "M001", "R019", "R033", "S005"}},
		{"notes", Options{MinSeverity: Note}, all},
		{"plan of a broken tree", Options{Plan: true, Only: []string{"P"}}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := codesOf(Image(t.Context(), brokenImage().image(), tt.opts))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImageBoundsFindings(t *testing.T) {
	v := &vector{Image: baseImage()}
	for i := range 250 {
		v.zombie(format.PID(1000+i), 100, 0x105)
	}
	found := Image(t.Context(), v.image(), Options{})
	if len(found) != MaxPerCode+1 {
		t.Fatalf("%d findings, want %d", len(found), MaxPerCode+1)
	}
	i := slices.IndexFunc(found, func(f Finding) bool { return f.Subject == Subject{} })
	if i < 0 || found[i].Code != "H014" || found[i].Message != "150 more findings of this code" {
		t.Errorf("summary is %v", found[max(i, 0)])
	}
}

// bigImage has n processes, each with its own memory unless they share.
func bigImage(n int, broken bool) *format.Image {
	v := &vector{Image: baseImage()}
	mm := smallMemory(0)
	for i := range n {
		tid := format.PID(1000 + i)
		t := livingTask(tid, tid, 100)
		t.PGID, t.SID = 100, 50
		id := format.ObjectID(10 * tid)
		t.Process, t.Memory, t.Files, t.Handlers = id, id+1, id+2, id+3
		if broken {
			t.PPID, t.SID, t.Comm, t.ExitSignal, t.SignalMask = tid-1, tid+1, strings.Repeat("x", 20), 99, 1<<8
			t.Registers.AMD64.RIP = holeAddr
		}
		o := &v.Image.Objects
		o.Processes = append(o.Processes, format.Process{ID: id})
		mm.ID = id + 1
		o.Memories = append(o.Memories, mm)
		o.FileTables = append(o.FileTables, format.FileTable{ID: id + 2, Entries: []format.FileEntry{{FD: 1, File: idPipeWrite}}})
		o.Handlers = append(o.Handlers, format.SignalHandlers{ID: id + 3})
		v.Image.Tasks = append(v.Image.Tasks, t)
	}
	return v.Image
}

// processorTime is what this process has used, which is the same whatever else
// the machine does.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestImageIsLinear holds the processor time for ten times the tasks against ten
// times that, with room for noise.
func TestImageIsLinear(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	for _, broken := range []bool{false, true} {
		small, large := bigImage(5000, broken), bigImage(50000, broken)
		took := func(img *format.Image) time.Duration {
			best := time.Hour
			for range 3 {
				start := processorTime(t)
				Image(t.Context(), img, Options{})
				best = min(best, processorTime(t)-start)
			}
			return best
		}
		a, b := took(small), took(large)
		t.Logf("broken %t: 5000 processes %v, 50000 processes %v", broken, a, b)
		if b > 40*a+50*time.Millisecond {
			t.Errorf("broken %t: 5000 processes took %v, 50000 took %v", broken, a, b)
		}
	}
}

// BenchmarkImage judges trees of processes, with and without their plan.
func BenchmarkImage(b *testing.B) {
	for _, o := range []struct {
		name string
		opts Options
	}{{"rules", Options{}}, {"plan", Options{Plan: true}}, {"modes", Options{Plan: true, Modes: Modes(), Ignore: []string{"P"}}}} {
		for _, n := range []int{500, 100000} {
			b.Run(fmt.Sprintf("%s/tasks=%d", o.name, n), func(b *testing.B) {
				img := bigImage(n, false)
				for b.Loop() {
					if found := Image(b.Context(), img, o.opts); len(found) > 0 {
						b.Fatal(found[0])
					}
				}
			})
		}
	}
}

func TestPlanFindings(t *testing.T) {
	v := planMutations[0].vector()
	if found := Image(t.Context(), v.image(), Options{}); len(found) > 0 {
		t.Errorf("findings of family P although not asked for: %v", found)
	}
	for _, f := range Image(t.Context(), v.image(), Options{Plan: true}) {
		if f.Subject.Task == 0 || f.Message == "" {
			t.Errorf("finding without subject or words: %+v", f)
		}
	}
	diffs := []plan.Difference{{Task: 104, Field: "parent", Want: "100", Got: "1"}}
	got := FromPlanDifferences(diffs)
	want := []Finding{New("P002", TaskSubject(104), "parent is 1, should be 100")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	if found := FromPlanError(fmt.Errorf("plan: %w", os.ErrClosed)); found != nil {
		t.Errorf("findings of an error that is none of plan's: %v", found)
	}
}

// brokenPages yields one run, then an error.
type brokenPages struct {
	runSource
	err error
}

func (p brokenPages) Runs(context.Context, format.ObjectID) iter.Seq2[format.PageRun, error] {
	return func(yield func(format.PageRun, error) bool) { yield(format.PageRun{}, p.err) }
}

// TestPageErrors tells a page source whose file is wrong from one that fails.
func TestPageErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{codec.Errorf(codec.BadChecksum, "runs", 64, "does not fit"), "F005"},
		{os.ErrClosed, "M049"},
	} {
		img := baseImage()
		img.Pages = brokenPages{err: fmt.Errorf("listing: %w", tt.err)}
		found := Image(t.Context(), img, Options{})
		if diff := cmp.Diff([]string{tt.want}, codesOf(found)); diff != "" {
			t.Errorf("codes (-want +got):\n%s", diff)
		}
		if found[0].Subject.Object == 0 {
			t.Errorf("finding without its object: %+v", found[0])
		}
	}
}

// FuzzImage judges whatever JSON makes of a model.
func FuzzImage(f *testing.F) {
	for _, dir := range []string{validDir, invalidDir} {
		files, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil {
			f.Fatal(err)
		}
		for i, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if len(b) < 64<<10 && i%3 == 0 {
				f.Add(b)
			}
		}
	}
	f.Add([]byte(`{"image":{"tasks":[{}],"objects":{"processes":[{}],"memories":[{"vmas":[{}]}],"files":[{}],"pipes":[{}]}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v vector
		if json.Unmarshal(b, &v) != nil || v.Image == nil {
			return
		}
		found := Image(t.Context(), v.image(), Options{Plan: true})
		found = append(found, Unsupported(v.Image)...)
		again := append(Image(t.Context(), v.image(), Options{Plan: true}), Unsupported(v.Image)...)
		if diff := cmp.Diff(found, again); diff != "" {
			t.Errorf("two runs differ:\n%s", diff)
		}
		counts := map[string]int{}
		for _, x := range found {
			if _, ok := Lookup(x.Code); !ok {
				t.Errorf("%s is not in the catalogue", x.Code)
			}
			if counts[x.Code]++; counts[x.Code] > 2*(MaxPerCode+1) {
				t.Errorf("%d findings of %s", counts[x.Code], x.Code)
			}
		}
	})
}
