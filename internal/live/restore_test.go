package live

import (
	"fmt"
	"testing"
)

// sameOutput compares what a fixture wrote with what an undisturbed one did.
func sameOutput(f, undisturbed *Fixture) error {
	got, want := f.read(f.Output), undisturbed.read(f.Output)
	if want == "" {
		return fmt.Errorf("%s: the undisturbed run has no output", f.Spec)
	}
	if got != want {
		return fmt.Errorf("%s: %d bytes of output, not the %d of an undisturbed run; first difference at %d", f.Spec, len(got), len(want), mismatch(got, want))
	}
	return nil
}

func mismatch(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// restless fixtures start and end tasks all the time; so does Go's runtime.
var restless = map[string]bool{"storm": true, "commands": true, "pipeline": true, "compute": true, "goprog": true}

// cycle is there and back again: capture, validate, kill, restore, judge.
func cycle(w *World, s Spec, captureFlags, restoreFlags []string) {
	w.Helper()
	f := w.Start(s)
	before := w.Snapshot(f.PID)
	img := w.Capture(f, captureFlags...)
	if left := w.Processes(); len(left) > 0 {
		w.Fatalf("the capture left %v", left)
	}
	w.Must(0, "validate", img)
	w.Restore(img, restoreFlags...)
	if len(restoreFlags) == 0 && !restless[s.Name] && !s.Own { // seen from here the numbers are new
		if d := Differ(before, w.Snapshot(f.PID)); len(d) > 0 {
			w.Errorf("the restored tree differs:\n%s", join(d))
		}
	}
	w.Judge(f)
	if s.Output != "" {
		undisturbed := w.Start(s)
		w.Judge(undisturbed)
		if err := sameOutput(f, undisturbed); err != nil {
			w.Error(err)
		}
	}
}

// join shows the first lines of many.
func join(lines []string) string {
	out := ""
	for i, l := range lines {
		if i == 20 {
			return out + fmt.Sprintf("and %d more", len(lines)-i)
		}
		out += l + "\n"
	}
	return out
}

// TestRestore: every fixture, captured, killed, restored under its own numbers,
// finds everything as it was.
func TestRestore(t *testing.T) {
	for _, s := range fixtures {
		t.Run(s.String(), func(t *testing.T) {
			if w := Inside(t); w != nil {
				cycle(w, s, nil, nil)
			}
		})
	}
}

// TestRestorePIDNamespace: the same in a pid namespace of its own.
func TestRestorePIDNamespace(t *testing.T) {
	for _, s := range fixtures {
		t.Run(s.String(), func(t *testing.T) {
			if w := Inside(t); w != nil {
				cycle(w, s, nil, []string{"--pidns"})
			}
		})
	}
}

// TestRestoreMapped: memory mapped from the image, and from a compressed one
// read, in both modes of numbers. A Go program counts on zeroes in memory that
// it has given back, which mapped memory does not give (see the memory fixture).
func TestRestoreMapped(t *testing.T) {
	for _, name := range []string{"single", "threads", "memory", "goprog", "rounds"} {
		if name != "goprog" {
			t.Run(name+"-mapped", func(t *testing.T) {
				if w := Inside(t); w != nil {
					cycle(w, Spec{Name: name, Env: []string{"FX_MAPPED=1"}}, nil, []string{"--map-memory"})
				}
			})
		}
		t.Run(name+"-compressed", func(t *testing.T) {
			if w := Inside(t); w != nil {
				cycle(w, Spec{Name: name}, []string{"--compress", "zstd"}, nil)
			}
		})
	}
}

// TestDeletedProgram: the program's file was removed, as an upgrade does, while
// it ran.
func TestDeletedProgram(t *testing.T) {
	for _, name := range []string{"single", "threads", "tree"} {
		t.Run(name, func(t *testing.T) {
			if w := Inside(t); w != nil {
				cycle(w, Spec{Name: name, Deleted: true}, nil, nil)
			}
		})
	}
}
