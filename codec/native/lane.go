package native

import "sync"

const (
	// laneDepth is how many records may wait in a lane.
	laneDepth = 2
	// laneLeast is how many bytes of metadata are worth lanes, and laneMost the
	// longest record that may wait in one while the next is read.
	laneLeast = 64 << 10
	laneMost  = 4 << 20
)

// A lane runs functions one after the other beside its caller. What runs there
// cannot fail, so that the errors of reading and their order do not depend on it.
// The zero lane runs them at once.
type lane struct {
	work chan func()
	// pending counts functions that have not ended, running the goroutine.
	pending, running sync.WaitGroup
}

// start gives the lane a goroutine; close ends it.
func (l *lane) start() {
	work := make(chan func(), laneDepth)
	l.work = work
	l.running.Go(func() {
		for fn := range work {
			fn()
			l.pending.Done()
		}
	})
}

func (l *lane) do(fn func()) {
	if l.work == nil {
		fn()
		return
	}
	l.pending.Add(1)
	l.work <- fn
}

// offer is do for a function that need not come after those before it: the caller
// runs it if the lane has enough to do.
func (l *lane) offer(fn func()) {
	l.pending.Add(1)
	select {
	case l.work <- fn:
	default:
		fn()
		l.pending.Done()
	}
}

// wait returns when all functions have ended.
func (l *lane) wait() { l.pending.Wait() }

// close waits and ends the goroutine.
func (l *lane) close() {
	if l.work != nil {
		close(l.work)
		l.running.Wait()
		l.work = nil
	}
}
