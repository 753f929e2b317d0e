package sys

import (
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrTracerClosed says that a Tracer has ended.
var ErrTracerClosed = errors.New("the ptrace thread has ended")

// A Tracer is one operating system thread that runs functions. ptrace answers
// only the thread that attached, so one Tracer makes every ptrace call on the
// tasks it seized. When it is closed its thread ends, and the kernel detaches
// what is still attached (or kills it, with PtraceOExitKill).
//
// Do not call Do from inside a function that Do runs: it would wait for itself.
type Tracer struct {
	work chan func()
	done chan struct{}
	once sync.Once
	tid  int
}

// NewTracer starts the thread.
func NewTracer() *Tracer {
	t := &Tracer{work: make(chan func()), done: make(chan struct{})}
	ready := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			t.run(ready)
			return
		}
		// The main thread cannot end before the program, and what it traces would
		// stay traced. As long as it is locked the next goroutine gets another.
		go func() {
			runtime.LockOSThread()
			t.run(ready)
		}()
		<-ready
		runtime.UnlockOSThread()
	}()
	<-ready
	return t
}

// run is the thread. It is never unlocked: it must end with the goroutine.
func (t *Tracer) run(ready chan struct{}) {
	t.tid = unix.Gettid()
	close(ready)
	for {
		select {
		case f := <-t.work:
			f()
		case <-t.done:
			return
		}
	}
}

// TID is the thread's number.
func (t *Tracer) TID() int { return t.tid }

// Do runs f on the thread and gives its error, or ErrTracerClosed.
func (t *Tracer) Do(f func() error) error {
	result := make(chan error, 1)
	select {
	case t.work <- func() { result <- f() }:
		return <-result
	case <-t.done:
		return ErrTracerClosed
	}
}

// Close ends the thread after the function it runs. It may be called twice.
func (t *Tracer) Close() { t.once.Do(func() { close(t.done) }) }
