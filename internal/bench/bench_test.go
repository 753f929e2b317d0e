package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/internal/live"
)

// rows are what the benchmarks of this run found.
var rows []*row

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.bench"); f == nil || f.Value.String() == "" {
		os.Exit(m.Run())
	}
	os.Exit(live.MainInside(func() int {
		code := m.Run()
		if len(rows) > 0 {
			if err := printTable(os.Stdout, rows); err != nil {
				return 1
			}
		}
		return code
	}))
}

// a kind is a tree to measure, and the machine's own way to get the like of it.
type kind struct {
	name  string
	args  []string // of the scale fixture
	flags []string // of restore
	// floor of a restore and of a capture, with their names for the table
	floorName, captureName string
	floor, captureFloor    func(w *live.World, img string) time.Duration
	// dump are the arguments of a dump of CRIU's image of the tree; none if that is
	// not measured. onlyDump says that nothing else is.
	dump     []string
	onlyDump bool
}

func exec(w *live.World, _ string) time.Duration { return w.Floor("run", "/bin/true") }

func born(what, n string) func(*live.World, string) time.Duration {
	return func(w *live.World, _ string) time.Duration { return w.Floor(what, n) }
}

func read(w *live.World, img string) time.Duration { return w.Floor("read", img) }

func write(w *live.World, img string) time.Duration {
	return w.Floor("write", filepath.Join(filepath.Dir(img), "floor"), "1024")
}

var kinds = []kind{
	{name: "tiny", args: []string{"tiny"}, floorName: "exec of /bin/true", floor: exec, captureName: "exec of /bin/true", captureFloor: exec},
	{name: "procs=500", args: []string{"procs", "500"}, floorName: "500 clone3", floor: born("procs", "500"), dump: []string{"--tree"}},
	{name: "zombies=1000", args: []string{"zombies", "1000"}, floorName: "1000 clone3 and exit", floor: born("zombies", "1000")},
	{name: "threads=100", args: []string{"threads", "100"}, floorName: "100 clone3", floor: born("threads", "100")},
	{name: "threads=1000", args: []string{"threads", "1000"}, floorName: "1000 clone3", floor: born("threads", "1000")},
	{
		name: "mem=1GiB", args: []string{"mem", "1024"}, floorName: "read(2) of the image", floor: read,
		captureName: "write(2) of 1 GiB", captureFloor: write, dump: []string{"--memory"},
	},
	{name: "sparse=1GiB", args: []string{"sparse", "1024"}, dump: []string{"--memory"}, onlyDump: true},
	{name: "mem=1GiB/mapped", args: []string{"mem", "1024"}, flags: []string{"--map-memory"}, floorName: "read(2) of the image", floor: read},
}

// world is the world the benchmarks run in; skipped where there is none.
func world(b *testing.B) *live.World {
	b.Helper()
	live.Need(b)
	if !live.Within() {
		b.Skip("no namespaces here")
	}
	w := live.NewWorld(b)
	w.Thaw()
	return w
}

// image captures the kind's tree into a file on the disk, in its page cache.
func image(b *testing.B, w *live.World, k *kind) string {
	b.Helper()
	img := filepath.Join(b.TempDir(), "img")
	f := w.Start(live.Spec{Name: "scale", Args: k.args})
	w.Must(0, "capture", fmt.Sprint(f.PID), "-o", img)
	w.AwaitGone(f)
	return img
}

// BenchmarkRestore measures thaw restore --detach until it has exited.
func BenchmarkRestore(b *testing.B) {
	for i := range kinds {
		k := &kinds[i]
		if k.onlyDump {
			continue
		}
		b.Run(k.name, func(b *testing.B) {
			w := world(b)
			img := image(b, w, k)
			r := &row{name: "restore " + k.name, floorName: k.floorName}
			measure(b, r, func() time.Duration { return k.floor(w, img) }, func() live.Run {
				return w.Measured(append([]string{"restore", "--detach", img}, k.flags...)...)
			}, w.KillAll)
		})
	}
}

// criuImage captures the kind's tree and makes an image of CRIU of it.
func criuImage(b *testing.B, w *live.World, k *kind) string {
	b.Helper()
	img := image(b, w, k)
	dir := img + ".criu"
	w.Must(0, "convert", img, dir, "--to", "criu")
	remove(b, img)
	return dir
}

// BenchmarkRestoreCRIU measures thaw restore --detach of CRIU's images.
func BenchmarkRestoreCRIU(b *testing.B) {
	for i := range kinds {
		k := &kinds[i]
		if len(k.flags) > 0 || k.onlyDump {
			continue
		}
		b.Run(k.name, func(b *testing.B) {
			w := world(b)
			dir := criuImage(b, w, k)
			measure(b, &row{name: "restore " + k.name + " of CRIU's image"}, nil, func() live.Run {
				return w.Measured("restore", "--detach", dir)
			}, w.KillAll)
		})
	}
}

// BenchmarkDumpCRIU measures thaw dump of CRIU's images. Its floor is how long
// the command takes to start, do nothing and exit.
func BenchmarkDumpCRIU(b *testing.B) {
	for i := range kinds {
		k := &kinds[i]
		if len(k.dump) == 0 {
			continue
		}
		b.Run(k.name, func(b *testing.B) {
			w := world(b)
			dir := criuImage(b, w, k)
			args := append([]string{"dump", dir}, k.dump...)
			r := &row{name: "dump " + k.dump[0] + " " + k.name, floorName: "thaw version"}
			measure(b, r, func() time.Duration { return w.Measured("version").Took }, func() live.Run {
				return w.Measured(args...)
			}, func() {})
		})
	}
}

// BenchmarkCapture measures thaw capture --leave-running until it has exited.
func BenchmarkCapture(b *testing.B) {
	for i := range kinds {
		k := &kinds[i]
		if len(k.flags) > 0 || k.onlyDump {
			continue
		}
		b.Run(k.name, func(b *testing.B) {
			w := world(b)
			img := filepath.Join(b.TempDir(), "img")
			f := w.Start(live.Spec{Name: "scale", Args: k.args})
			r := &row{name: "capture " + k.name, floorName: k.captureName}
			var floor func() time.Duration
			if k.captureFloor != nil {
				floor = func() time.Duration { return k.captureFloor(w, img) }
			}
			measure(b, r, floor, func() live.Run {
				return w.Measured("capture", "--leave-running", fmt.Sprint(f.PID), "-o", img)
			}, func() { remove(b, img) })
			w.KillAll()
		})
	}
}

func remove(b *testing.B, img string) {
	b.Helper()
	if err := os.Remove(img); err != nil {
		b.Fatal(err)
	}
}

// measure runs the floor, if there is one, and the command in turn and reports
// both.
func measure(b *testing.B, r *row, floor func() time.Duration, run func() live.Run, after func()) {
	b.Helper()
	if floor != nil {
		floor() // warm: programs and files in the page cache
	}
	for b.Loop() {
		b.StopTimer()
		if floor != nil {
			r.floor = append(r.floor, floor())
		}
		b.StartTimer()
		got := run()
		b.StopTimer()
		r.took = append(r.took, got.Took)
		r.rss = max(r.rss, got.MaxRSS)
		after()
		b.StartTimer()
	}
	b.ReportMetric(ms(r.took.median()), "ms")
	if floor != nil {
		b.ReportMetric(ms(r.floor.median()), "floor-ms")
		b.ReportMetric(r.ratio(), "ratio")
	}
	b.ReportMetric(float64(r.rss)/mib, "MiB")
	if r.floorName == "" {
		r.floorName = "-"
	}
	keep(r)
}

// keep notes a row for the table; a benchmark's later, longer run replaces its
// earlier one.
func keep(r *row) {
	for i, old := range rows {
		if old.name == r.name {
			rows[i] = r
			return
		}
	}
	rows = append(rows, r)
}
