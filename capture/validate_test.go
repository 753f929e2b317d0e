package capture

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/thaw-cr/thaw/validate"
)

// TestImagesAreValid checks that what is captured passes all rules.
func TestImagesAreValid(t *testing.T) {
	for _, args := range [][]string{
		{"sleepers"}, {"tree"}, {"memory"}, {"files"}, {"state"}, {"count"}, {"many", "20", "20"},
	} {
		t.Run(args[0], func(t *testing.T) {
			checkValid(t, start(t, args[0], args[1:]...))
		})
	}
}

func checkValid(t *testing.T, p *program) {
	t.Helper()
	s := p.freeze()
	for _, f := range validate.Image(context.Background(), s.Image(), validate.Options{Plan: true}) {
		if f.Severity != validate.Note {
			t.Errorf("%s %s %s: %s", f.Severity, f.Code, f.Subject, f.Message)
		}
	}
	for i := range s.Image().Objects.Memories {
		m := &s.Image().Objects.Memories[i]
		for run, err := range s.Image().Pages.Runs(context.Background(), m.ID) {
			if err != nil {
				t.Fatal(err)
			}
			readPages(t, s.Image(), m.ID, run.First, int(run.Count))
		}
	}
	release(t, s)
}

// TestRealPrograms captures programs that nobody wrote for it, ten times each.
func TestRealPrograms(t *testing.T) {
	const python = `
import os, sys, threading, time
threads = [threading.Thread(target=time.sleep, args=(1000,), daemon=True) for _ in range(3)]
for t in threads: t.start()
print("ready", flush=True)
os.dup2(os.open(os.devnull, os.O_RDWR), 1)
n = 0
while not os.path.exists("go"):
    n = sum(i * i for i in range(1000))
sys.exit(0 if n == 332833500 else 1)
`
	const pipeline = `echo ready; exec >/dev/null
sh -c 'while [ ! -e go ]; do echo line; done' | tr a-z A-Z | cat >out; ! grep -qv '^LINE$' out`
	tests := []struct {
		name string
		argv []string
	}{
		{"python3", []string{"python3", "-c", python}},
		{"pipeline", []string{"/bin/sh", "-c", pipeline}},
		{"go", []string{os.Args[0], goProgram}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			needRoot(t)
			if _, err := exec.LookPath(tt.argv[0]); err != nil {
				t.Skip(err)
			}
			p := startCommand(t, t.TempDir(), tt.argv...)
			for range 10 {
				checkValid(t, p)
			}
			p.finish()
		})
	}
}

// goProgram makes the test program be the Go program that is captured.
const goProgram = "be-a-go-program"

// beGoProgram computes in goroutines with timers until there is a file "go".
func beGoProgram() {
	fmt.Println("ready")
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		err = unix.Dup2(int(null.Fd()), 1)
	}
	if err != nil {
		panic(err)
	}
	results := make(chan int)
	tick := time.NewTicker(time.Millisecond)
	for range 4 {
		go func() {
			for {
				n := 0
				for _, b := range make([]byte, 1<<16) {
					n += int(b) + 1
				}
				results <- n
			}
		}()
	}
	for {
		select {
		case <-tick.C:
			if _, err := os.Stat("go"); err == nil {
				return
			}
		case n := <-results:
			if n != 1<<16 {
				panic(n)
			}
		}
	}
}
