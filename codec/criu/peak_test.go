package criu_test

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/thaw-cr/thaw/codec"
	"github.com/thaw-cr/thaw/codec/archive"
	"github.com/thaw-cr/thaw/codec/criu"
	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/validate"
)

// envPeak is the image that TestPeakMemory's own process reads.
const envPeak = "THAW_TEST_PEAK"

// TestPeakMemory: to open an image of a gibibyte, judge it and read all of it takes
// less than 64 MiB, as counted by the kernel for a process that does just that.
func TestPeakMemory(t *testing.T) {
	if dir := os.Getenv(envPeak); dir != "" {
		readEverything(t, dir)
		// What wait4(2) tells begins with the peak of the process that started this.
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.Write(status)
		return
	}
	const pages, most = 1 << 18, 64 << 10
	for _, tt := range []struct {
		name string
		runs func(first format.PageNum) []format.PageRun
	}{
		{"dense", func(first format.PageNum) []format.PageRun { return []format.PageRun{{First: first, Count: pages}} }},
		{"every second page", func(first format.PageNum) []format.PageRun {
			var out []format.PageRun
			for i := range format.PageNum(pages / 2) {
				out = append(out, format.PageRun{First: first + 2*i, Count: 1})
			}
			return out
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestPeakMemory$")
			cmd.Env = append(os.Environ(), envPeak+"="+bigMemory(t, tt.runs, pages))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(out)
			if peak == nil {
				t.Fatalf("no peak in %s", out)
			}
			t.Logf("%s KiB", peak[1])
			if n, err := strconv.Atoi(string(peak[1])); err != nil || n > most {
				t.Errorf("%s KiB at most, want %d", peak[1], most)
			}
		})
	}
}

// readEverything opens an image, judges it, and reads all its pages.
func readEverything(t *testing.T, path string) {
	dir, err := archive.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	f, err := criu.Format().Open(t.Context(), codec.Source{Name: path, Dir: dir}, codec.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if found := validate.Image(t.Context(), f.Image, validate.Options{}); validate.HasErrors(found) {
		t.Fatal(found)
	}
	buf := make([]byte, 1<<20)
	n := uint64(0)
	for r, err := range f.Image.Pages.Runs(t.Context(), f.Image.Tasks[0].Memory) {
		if err != nil {
			t.Fatal(err)
		}
		for n += r.Count; r.Count > 0; {
			some := min(r.Count, uint64(len(buf)/format.PageSize))
			if err := f.Image.Pages.ReadPages(t.Context(), f.Image.Tasks[0].Memory, r.First, buf[:some*format.PageSize]); err != nil {
				t.Fatal(err)
			}
			r.First, r.Count = r.First+format.PageNum(some), r.Count-some
		}
	}
	if n < 1<<17 {
		t.Fatalf("%d pages were read", n)
	}
}
