package main

import (
	"io"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"

	"github.com/thaw-cr/thaw/codec"
)

// meterDelay is how long work must take before its progress is shown.
const meterDelay = 400 * time.Millisecond

// A meter shows how far long work on bytes is, on a terminal's stderr. The nil
// meter shows nothing. It may be used by several goroutines.
type meter struct {
	out   io.Writer
	what  string
	total int64
	begin time.Time

	mu      sync.Mutex
	done    int64
	writer  progress.Writer // nil until the work has taken a while
	tracker *progress.Tracker
	ended   chan struct{}
}

// meter makes a meter of work on total bytes; nil if nobody would see it.
func (a *app) meter(what string, total int64) *meter {
	if !a.streams.errTerm {
		return nil
	}
	return &meter{out: a.streams.err, what: what, total: total, begin: time.Now()}
}

// add says that n more bytes are done.
func (m *meter) add(n int) {
	if m == nil || n <= 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moved(m.done + int64(n))
}

// set says that done bytes are done.
func (m *meter) set(done int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moved(done)
}

// setOf is set where the total was not known before.
func (m *meter) setOf(done, total int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total = total
	if m.tracker != nil {
		m.tracker.UpdateTotal(total)
	}
	m.moved(done)
}

// moved takes note of progress; the lock is held.
func (m *meter) moved(done int64) {
	m.done = done
	if m.writer == nil && time.Since(m.begin) > meterDelay {
		m.show()
	}
	if m.tracker != nil {
		m.tracker.SetValue(min(m.done, m.total))
	}
}

// show begins to draw.
func (m *meter) show() {
	m.tracker = &progress.Tracker{Message: m.what, Total: m.total, Units: progress.UnitsBytes}
	w := progress.NewWriter()
	w.SetOutputWriter(m.out)
	w.SetAutoStop(false)
	w.SetTrackerLength(24)
	w.SetUpdateFrequency(100 * time.Millisecond)
	w.AppendTracker(m.tracker)
	m.writer, m.ended = w, make(chan struct{})
	go func() {
		w.Render()
		close(m.ended)
	}()
}

// stop ends the drawing and waits until it is over.
func (m *meter) stop() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writer == nil {
		return
	}
	m.tracker.MarkAsDone()
	for !m.writer.IsRenderInProgress() { // Stop is lost before Render has begun
		select {
		case <-m.ended:
			return
		case <-time.After(time.Millisecond):
		}
	}
	m.writer.Stop()
	<-m.ended
}

// countingReaderAt tells a meter of what is read through it.
type countingReaderAt struct {
	at    io.ReaderAt
	meter *meter
}

func (c *countingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.at.ReadAt(p, off)
	c.meter.add(n)
	return n, err
}

// countingWriter tells a meter of what is written through it, and keeps the
// first error.
type countingWriter struct {
	w     io.Writer
	meter *meter
	n     int64
	err   error
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.meter.add(n)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// Skip is like writing zeroes.
func (c *countingWriter) Skip(n int64) error {
	err := codec.Skip(c.w, n)
	if c.err == nil {
		c.err = err
	}
	if err == nil {
		c.n += n
		c.meter.add(int(n))
	}
	return err
}
