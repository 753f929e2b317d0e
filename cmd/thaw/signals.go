package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// forwarded are the signals that end a command, and that a restored root gets
// instead once it runs.
var forwarded = []os.Signal{
	syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
}

// caught are the forwarded ones and SIGPIPE: a reader that goes away is an error
// in writing, after which a frozen tree is let go, and no sudden death.
var caught = append([]os.Signal{syscall.SIGPIPE}, forwarded...)

// ending says whether a signal interrupts a command that forwards nothing.
func ending(s os.Signal) bool {
	return s == syscall.SIGINT || s == syscall.SIGTERM || s == syscall.SIGHUP || s == syscall.SIGQUIT
}

// signals decides what a signal to the command does: at first it cancels the
// command's context, after forward it goes where forward says.
type signals struct {
	mu      sync.Mutex
	cancel  context.CancelCauseFunc
	forward func(syscall.Signal)
	// held is the signal that cancelled the context.
	held syscall.Signal
}

// watch makes the context that a signal ends. The function it returns gives the
// signals back to the runtime.
func (s *signals) watch(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	s.cancel = cancel
	s.mu.Unlock()
	c := make(chan os.Signal, 8)
	done := make(chan struct{})
	signal.Notify(c, caught...)
	go func() {
		for {
			select {
			case sig := <-c:
				s.deliver(sig)
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(c)
		close(done)
		cancel(nil)
	}
}

// deliver is what happens when a signal arrives.
func (s *signals) deliver(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number, ok := sig.(syscall.Signal)
	switch {
	case sig == syscall.SIGPIPE:
	case s.forward != nil && ok:
		s.forward(number)
	case ending(sig) && s.cancel != nil:
		s.held = number
		s.cancel(errInterrupted)
	}
}

// forwardTo sends signals to f from now on; nil makes them end the command
// again. One that came just before, too late for anyone to heed it, goes to f.
func (s *signals) forwardTo(f func(syscall.Signal)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forward = f
	if f != nil && s.held != 0 {
		f(s.held)
		s.held = 0
	}
}
