package campaign

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"syscall"
	"time"
)

// Limits are what one case may take.
type Limits struct {
	// CPU is processor time of the whole worker, its garbage collector included.
	// Wall bounds the time on the clock, against what waits for ever; it says
	// nothing else on a busy machine.
	CPU, Wall time.Duration
	// Memory is how many bytes the heap may grow, PerByte how many more for each
	// byte of the image.
	Memory, PerByte uint64
}

// DefaultLimits are those of the recorded campaigns: a second, and what the
// formats promise for metadata.
func DefaultLimits() Limits {
	return Limits{CPU: time.Second, Wall: 10 * time.Minute, Memory: 64 << 20, PerByte: 256}
}

func (l *Limits) memory(m *Image) uint64 { return l.Memory + l.PerByte*uint64(m.Size()) }

// A worker does cases one after the other. What ends it, a panic of a goroutine or
// the watchdog's, leaves the number of the case in the mark.
type worker struct {
	c      *Corpus
	limits Limits
	mark   *os.File

	// number is the case that is done, plus one; zero between cases. cpu and wall
	// are when it began, heap how large the heap was.
	number    atomic.Uint64
	cpu, wall atomic.Int64
	heap      atomic.Uint64
	most      atomic.Uint64
}

// watchInterval is how often the watchdog looks.
const watchInterval = 20 * time.Millisecond

// sampleEvery is how many clean cases there are for one that is kept to be
// restored; those of images with a world are all candidates.
const sampleEvery = 8

// Work does the cases from one number up to another and gives what it found. mark
// is a file that always holds the number of the case being done.
func Work(ctx context.Context, c *Corpus, from, to uint64, mark string, limits Limits) (*Book, error) {
	f, err := os.OpenFile(mark, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read by number only
	w := &worker{c: c, limits: limits, mark: f}
	debug.SetTraceback("all") // what a hung case does is told by another goroutine's
	stop := make(chan struct{})
	defer close(stop)
	go w.watch(stop)
	b := &Book{Tallies: map[string]Tally{}, Next: to}
	begin := cpuTime()
	for n := from; n < to; n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := w.do(ctx, b, n); err != nil {
			return nil, err
		}
	}
	b.Seconds = (cpuTime() - begin).Seconds()
	return b, nil
}

// do does one case and books it.
func (w *worker) do(ctx context.Context, b *Book, n uint64) error {
	if _, err := w.mark.WriteAt(binary.LittleEndian.AppendUint64(nil, n), 0); err != nil {
		return err
	}
	k := w.c.Case(n)
	m, err := w.c.Mutate(k)
	if err != nil {
		return err
	}
	v, took, allocated, err := w.examine(ctx, m, n)
	if allocated > w.limits.memory(m) {
		if peak := w.measure(ctx, m, n); peak > w.limits.memory(m) {
			b.Failed = append(b.Failed, Failure{k, FailMemory, fmt.Sprintf("the heap grew by %d bytes for an image of %d", peak, m.Size())})
		}
	}
	if w := (*wrong)(nil); errors.As(err, &w) {
		b.Failed = append(b.Failed, Failure{k, FailWrong, err.Error()})
	}
	key := string(m.Family) + "/" + k.Mutator
	t := b.Tallies[key]
	t.count(v)
	b.Tallies[key] = t
	b.Slowest.see(Extreme{k.String(), uint64(took.Milliseconds())})
	b.Largest.see(Extreme{k.String(), allocated})
	if v == Clean && m.World != "" && n%sampleEvery == 0 {
		b.Samples = append(b.Samples, k)
	}
	return nil
}

// examine examines one mutant and gives the processor time it took and the bytes
// it allocated, which are at least as many as it had at one time.
func (w *worker) examine(ctx context.Context, m *Image, n uint64) (Verdict, time.Duration, uint64, error) {
	before, cpu := heapMetrics(), cpuTime()
	w.heap.Store(before.live)
	w.cpu.Store(int64(cpu))
	w.wall.Store(time.Now().UnixNano())
	w.number.Store(n + 1)
	v, err := w.c.examine(ctx, m, n)
	w.number.Store(0)
	took := cpuTime() - cpu
	if took > w.limits.CPU {
		panic(fmt.Sprintf("campaign: %s: %v of processor time", FailHang, took))
	}
	return v, took, heapMetrics().allocated - before.allocated, err
}

// measure examines a mutant once more and gives by how much the heap grew at most,
// garbage kept small.
func (w *worker) measure(ctx context.Context, m *Image, n uint64) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	runtime.GC()
	base := heapMetrics().live
	w.most.Store(base)
	w.heap.Store(base)
	w.cpu.Store(int64(cpuTime()))
	w.wall.Store(time.Now().UnixNano())
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond / 2):
				w.most.Store(max(w.most.Load(), heapMetrics().live))
			}
		}
	}()
	w.number.Store(n + 1)
	_, _ = w.c.examine(ctx, m, n)
	w.number.Store(0)
	close(done)
	return max(w.most.Load(), heapMetrics().live) - base // what nobody has swept yet is seen by the last look
}

// watch ends the process when a case takes too long or far too much memory.
func (w *worker) watch(stop <-chan struct{}) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		n := w.number.Load()
		if n == 0 {
			continue
		}
		cpu := cpuTime() - time.Duration(w.cpu.Load())
		wall := time.Duration(time.Now().UnixNano() - w.wall.Load())
		live := heapMetrics().live
		switch {
		case w.number.Load() != n:
		case cpu > w.limits.CPU || wall > w.limits.Wall:
			panic(fmt.Sprintf("campaign: %s: %v of processor time in %v", FailHang, cpu, wall))
		case live > w.heap.Load()+4<<30:
			panic(fmt.Sprintf("campaign: %s: the heap has %d bytes", FailMemory, live))
		}
	}
}

// cpuTime is the processor time of this process so far.
func cpuTime() time.Duration {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		return 0
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// heapState is the heap as the runtime sees it: bytes in objects that are live or
// not yet swept, and bytes allocated since the start.
type heapState struct{ live, allocated uint64 }

func heapMetrics() heapState {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return heapState{s[0].Value.Uint64(), s[1].Value.Uint64()}
}
