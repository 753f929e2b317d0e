package host

import (
	"fmt"
	"testing"

	"github.com/thaw-cr/thaw/format"
)

// BenchmarkCheck asks a machine by its facts for images of many processes.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{1, 500, 100_000} {
		b.Run(fmt.Sprintf("tasks=%d", n), func(b *testing.B) {
			img := image()
			for i := 1; i < n; i++ {
				t := img.Tasks[0]
				t.TID = format.PID(100 + i)
				t.TGID, t.PPID, t.PGID, t.SID = t.TID, 100, 100, 100
				img.Tasks = append(img.Tasks, t)
			}
			f := facts()
			f.Settings["kernel.pid_max"], f.Settings["kernel.threads-max"] = "4194304", "4194304"
			for b.Loop() {
				res, err := NewChecker(img).Check(b.Context(), NewMachine(f, nil), Options{PIDNamespace: true})
				if err != nil || len(res.Findings) > 0 {
					b.Fatal(err, res.Findings)
				}
			}
		})
	}
}
