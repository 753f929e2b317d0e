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
	"runtime/debug"
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
func worker(in <-chan uint64, out chan<- uint64) {
	for v := range in {
		out <- v * v
	}
}

// chain makes a hash chain in memory that the collector moves over. It rests at
// times, so that the same is made again sooner, however long it went on.
func chain(ctx context.Context, steps *atomic.Uint64) [32]byte {
	h := sha256.Sum256([]byte("thaw"))
	for ctx.Err() == nil {
		garbage := bytes.Repeat(h[:], 64)
		h = sha256.Sum256(garbage[:len(garbage)/2])
		if steps.Add(1)%100 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return h
}

// garbage makes n objects with pointers, which the collector looks through.
func garbage(n int) {
	var last *node
	for range n {
		last = &node{next: last}
	}
	runtime.GC()
	runtime.KeepAlive(last)
}

type node struct {
	next *node
	_    [6]uint64
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

// A load is what goes on in the background until ctx ends.
type load struct {
	workers, ticking sync.WaitGroup
	in, out          chan uint64
	ticks            atomic.Int64
	steps            atomic.Uint64
	hash             chan [32]byte
	late             chan time.Duration
}

const lateAfter = 1500 * time.Millisecond

func start(ctx context.Context) *load {
	l := &load{in: make(chan uint64), out: make(chan uint64, workers), hash: make(chan [32]byte), late: make(chan time.Duration, 1)}
	for range workers {
		l.workers.Go(func() { worker(l.in, l.out) })
	}
	l.ticking.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			l.ticks.Add(1)
		}
	})
	go func() { l.hash <- chain(ctx, &l.steps) }()
	begin := time.Now()
	time.AfterFunc(lateAfter, func() { l.late <- time.Since(begin) })
	return l
}

// square sends numbers, one at least, through the workers until DIR/go is
// there; it returns the sum of their squares as the workers made them, and as
// it should be.
func (l *load) square(dir string) (sum, want uint64) {
	for n := uint64(1); n == 1 || !exists(filepath.Join(dir, "go")); n++ {
		l.in <- n
		sum += <-l.out
		want += n * n
		if n%50 == 0 {
			runtime.GC()
		}
		time.Sleep(time.Millisecond)
	}
	return sum, want
}

// spoil makes one of the checks below fail, if FX_BREAK says so.
func spoil[T any](name string, v *T, wrong T) {
	if broken := os.Getenv("FX_BREAK"); broken == name {
		*v = wrong
	}
}

// An awaited ticker has to get beyond a count, in some time.
type awaited struct {
	ticks    int64
	patience time.Duration
}

func run(dir string) error {
	r := &report{dir: dir}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l, pid := start(ctx), os.Getpid()
	if err := errors.Join(r.add("roles", "root"), r.add("ready", strconv.Itoa(pid))); err != nil {
		return err
	}
	sum, want := l.square(dir)
	debug.FreeOSMemory() // what comes back of it must be zeroes
	garbage(1 << 20)
	seen := awaited{l.ticks.Load(), time.Minute}
	spoil("ticker", &seen, awaited{1 << 40, 50 * time.Millisecond})
	for end := time.Now().Add(seen.patience); l.ticks.Load() <= seen.ticks && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	r.check(l.ticks.Load() > seen.ticks, "the ticker has stopped")
	took := <-l.late
	spoil("timer", &took, 0)
	r.check(took >= lateAfter, "the timer fired after %v", took)
	cancel()
	hash := <-l.hash
	spoil("hash", &hash, [32]byte{})
	r.check(hash == again(l.steps.Load()), "the hash chain of %d steps is wrong", l.steps.Load())
	spoil("sum", &sum, 0)
	r.check(sum == want, "the workers' sum is %d, not %d", sum, want)
	r.check(os.Getpid() == pid, "pid %d, was %d", os.Getpid(), pid)
	close(l.in)
	l.workers.Wait()
	l.ticking.Wait()
	if r.fails > 0 {
		return errors.Join(r.add("result", "RESULT FAIL"), errors.New("differences"))
	}
	return errors.Join(r.add("result", "ok root"), r.add("result", "RESULT PASS"))
}

func main() {
	err := errors.New("usage: goprog DIR")
	if len(os.Args) == 2 {
		err = run(os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // the one exit
	}
}
