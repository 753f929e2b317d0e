package restore

import (
	"fmt"
	"testing"
	"time"

	"github.com/thaw-cr/thaw/format"
	"github.com/thaw-cr/thaw/internal/sys"
)

// BenchmarkTree restores trees of tiny processes and reports the time of a
// whole Run, teardown left out.
func BenchmarkTree(b *testing.B) {
	tests := []struct {
		name                        string
		processes, threads, zombies int
	}{
		{"tiny", 0, 0, 0},
		{"processes=500", 500, 0, 0},
		{"zombies=1000", 0, 0, 1000},
		{"threads=1000", 0, 1000, 0},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			w := newWorld(b)
			w.process(b, 10000, 0, 10000, 10000)
			for i := range tt.processes {
				w.process(b, format.PID(10001+i), 10000, 10000, 10000)
			}
			for i := range tt.threads {
				w.thread(10000, format.PID(10001+i))
			}
			for i := range tt.zombies {
				w.zombie(format.PID(10001+i), 10000, 10000, 10000, format.ExitStatus(uint8(i)))
			}
			var sum time.Duration
			for b.Loop() {
				start := time.Now()
				r, err := Run(b.Context(), Request{Image: w.img})
				sum += time.Since(start)
				if err != nil {
					b.Fatal(err)
				}
				if err := r.e.teardown(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(sum.Microseconds())/float64(b.N)/1000, "ms/restore")
		})
	}
}

// BenchmarkMemory restores a process with 1 GiB of memory, in whose file it
// lies as it is, and reads the same into fresh memory, for comparison.
func BenchmarkMemory(b *testing.B) {
	const size = 1 << 30
	w, f := bigWorld(b, size)
	for _, mapped := range []bool{false, true} {
		b.Run(fmt.Sprintf("mapped=%v", mapped), func(b *testing.B) {
			var sum time.Duration
			for b.Loop() {
				start := time.Now()
				r, err := Run(b.Context(), Request{Image: w.img, File: f, Options: Options{MapMemory: mapped}})
				sum += time.Since(start)
				if err != nil {
					b.Fatal(err)
				}
				if err := r.e.teardown(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(sum.Microseconds())/float64(b.N)/1000, "ms/restore")
		})
	}
	b.Run("floor", func(b *testing.B) {
		var sum time.Duration
		for b.Loop() {
			start := time.Now()
			mem, err := sys.MapAnon(size)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := f.ReadAt(mem, 0); err != nil {
				b.Fatal(err)
			}
			sum += time.Since(start)
			if err := sys.Unmap(mem); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(sum.Microseconds())/float64(b.N)/1000, "ms/restore")
	})
}
