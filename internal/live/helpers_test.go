package live

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// In runs part of a test in the same world as a subtest: what goes wrong is the
// subtest's.
func (w *World) In(t *testing.T, body func(*World)) {
	t.Helper()
	sub := *w
	sub.TB = t
	sub.wait = nil
	defer func() {
		w.started = sub.started
		for _, f := range sub.wait {
			f()
		}
	}()
	body(&sub)
}

// names are the world's processes without their states, which come and go.
func (w *World) names() []string {
	w.Helper()
	out := w.Processes()
	for i, p := range out {
		f := strings.Fields(p)
		out[i] = f[0] + " " + f[len(f)-1]
	}
	return out
}

// await waits until ok says so.
func (w *World) await(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(poll) {
		if time.Now().After(end) {
			w.Fatalf("%s: not in %v; processes: %v", what, patience, w.Processes())
		}
	}
}

// awaitState waits until a process is in that state.
func (w *World) awaitState(pid int, state string) {
	w.Helper()
	w.await("process in state "+state, func() bool {
		s, err := readStat(filepath.Join("/proc", fmt.Sprint(pid), "stat"))
		return err == nil && s.state == state
	})
}
