// Goprog is a fixture of the live tests: goroutines that pass numbers through
// channels, timers and a ticker, garbage that is collected, all across a
// capture and a restore. It speaks the protocol of fx.h.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const workers = 20

type report struct {
	mu    sync.Mutex
	dir   string
	fails int
}

func (r *report) add(name, line string) error {
	f, err := os.OpenFile(filepath.Join(r.dir, name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

func (r *report) check(ok bool, format string, args ...any) {
	if ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails++
	if err := r.add("result", "FAIL root: "+fmt.Sprintf(format, args...)); err != nil {
		panic(err)
	}
}

// worker squares what it gets until in is closed.
func worker(in <-chan uint64, out chan<- uint64, wg *sync.WaitGroup) {
	defer wg.Done()
	for v := range in {
		out <- v * v
	}
}

// chain makes a hash chain in memory that the collector moves over.
func chain(ctx context.Context, steps *atomic.Uint64) [32]byte {
	h := sha256.Sum256([]byte("thaw"))
	for ctx.Err() == nil {
		garbage := bytes.Repeat(h[:], 64)
		h = sha256.Sum256(garbage[:len(garbage)/2])
		steps.Add(1)
	}
	return h
}

func again(n uint64) [32]byte {
	h := sha256.Sum256([]byte("thaw"))
	for range n {
		h = sha256.Sum256(bytes.Repeat(h[:], 32))
	}
	return h
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func run(dir string) (int, error) {
	r := &report{dir: dir}
	var (
		wg, ticking sync.WaitGroup
		ticks       atomic.Int64
		steps       atomic.Uint64
		sum, want   uint64
		in, out     = make(chan uint64), make(chan uint64, workers)
		start       = time.Now()
		broken      = os.Getenv("FX_BREAK")
	)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range workers {
		wg.Add(1)
		go worker(in, out, &wg)
	}
	ticking.Add(1)
	go func() {
		defer ticking.Done()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			ticks.Add(1)
		}
	}()
	hash := make(chan [32]byte)
	go func() { hash <- chain(ctx, &steps) }()
	late := make(chan time.Duration, 1)
	time.AfterFunc(1500*time.Millisecond, func() { late <- time.Since(start) })
	pid := os.Getpid()
	if err := errors.Join(r.add("roles", "root"), r.add("ready", strconv.Itoa(pid))); err != nil {
		return 0, err
	}
	var n uint64
	for before := int64(0); !exists(filepath.Join(dir, "go")); before++ {
		n++
		in <- n
		sum += <-out
		want += n * n
		if before%50 == 0 {
			runtime.GC()
		}
		time.Sleep(time.Millisecond)
	}
	seen := ticks.Load()
	if broken == "ticker" {
		seen += 1 << 40
	}
	time.Sleep(50 * time.Millisecond)
	r.check(ticks.Load() > seen, "the ticker has stopped")
	took := <-late
	if broken == "timer" {
		took /= 2
	}
	r.check(took >= 1500*time.Millisecond, "the timer fired after %v", took)
	cancel()
	got := <-hash
	if broken == "hash" {
		got[3] ^= 1
	}
	r.check(got == again(steps.Load()), "the hash chain of %d steps is wrong", steps.Load())
	r.check(sum == want, "the workers' sum is %d, not %d", sum, want)
	r.check(os.Getpid() == pid, "pid %d, was %d", os.Getpid(), pid)
	close(in)
	wg.Wait()
	ticking.Wait()
	if r.fails > 0 {
		return 1, r.add("result", "RESULT FAIL")
	}
	return 0, errors.Join(r.add("result", "ok root"), r.add("result", "RESULT PASS"))
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: goprog DIR")
		os.Exit(98)
	}
	code, err := run(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 99
	}
	os.Exit(code)
}
